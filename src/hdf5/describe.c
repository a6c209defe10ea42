/* The shape, type and layout of a data set in words and numbers. */
#include "hdf5/describe.h"

#include "hdf5/home.h"
#include "hdf5/record.h"

#include <stdio.h>
#include <string.h>

enum { MAXIMUM_RANK = (int)(sizeof((flo_dataset_info *)0)->shape / sizeof(int64_t)) };

/* snprintf behind what a text holds already. */
static void append(char *text, size_t bytes, const char *more)
{
    const size_t length = strlen(text);
    snprintf(text + length, bytes - length, "%s", more);
}

static const char *class_name(H5T_class_t class)
{
    switch (class) {
    case H5T_STRING:
        return "string";
    case H5T_COMPOUND:
        return "compound";
    case H5T_ENUM:
        return "enum (bool)";
    case H5T_REFERENCE:
        return "reference";
    case H5T_VLEN:
        return "variable-length";
    case H5T_ARRAY:
        return "array";
    default:
        return "opaque";
    }
}

/* As numpy names it: float32 in the machine's byte order, >f4 in the other. A
   compound is numeric if a field of it is. */
static bool describe_type(hid_t type, flo_dataset_info *info, char *flaw, size_t bytes)
{
    const H5T_class_t class = H5Tget_class(type);
    const int size = (int)H5Tget_size(type);
    info->by_name = class == H5T_COMPOUND && flo_record_columns(type) > 0;
    if (info->by_name) {
        snprintf(info->type, sizeof info->type, "compound");
        return true;
    }
    if (class != H5T_FLOAT && class != H5T_INTEGER) {
        snprintf(info->type, sizeof info->type, "%s", class_name(class));
        snprintf(flaw, bytes, "is of type %s%s", info->type,
                 class == H5T_COMPOUND ? " without a numeric field" : "");
        return false;
    }
    const bool is_signed = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
    const char *const words = class == H5T_FLOAT ? "float" : is_signed ? "int" : "uint";
    const H5T_order_t order = H5Tget_order(type);
    if (size == 1 || order == H5Tget_order(H5T_NATIVE_INT))
        snprintf(info->type, sizeof info->type, "%s%d", words, 8 * size);
    else
        snprintf(info->type, sizeof info->type, "%c%c%d",
                 order == H5T_ORDER_BE ? '>' : '<', words[0], size);
    return true;
}

/* Of a compound, the columns are its fields, so that rows are all of its shape. */
static bool describe_shape(hid_t space, hid_t type, flo_dataset_info *info, char *flaw,
                           size_t bytes)
{
    hsize_t shape[H5S_MAX_RANK], most[H5S_MAX_RANK];
    const int rank = H5Sget_simple_extent_dims(space, shape, most);
    info->rank = rank;
    if (rank < 1 || rank > MAXIMUM_RANK) {
        snprintf(flaw, bytes, "is %s",
                 rank < 1 ? "a single value (rank 0)" : "an array of rank above 8");
        return false;
    }
    info->columns = 1;
    bool fits = true;
    for (int d = 0; d < rank; ++d) {
        info->shape[d] = (int64_t)shape[d];
        fits = fits && shape[d] <= INT64_MAX;
        if (shape[d] > most[d]) { /* unlimited is the largest number */
            snprintf(flaw, bytes, "has a damaged header: it says %llu of at most %llu",
                     (unsigned long long)shape[d], (unsigned long long)most[d]);
            return false;
        }
        if (d > 0)
            fits = fits && !__builtin_mul_overflow(info->columns, info->shape[d],
                                                   &info->columns);
    }
    if (info->by_name && rank > 1) {
        snprintf(flaw, bytes, "is a table of rank %d", rank);
        return false;
    }
    info->columns = info->by_name ? flo_record_columns(type) : info->columns;
    info->rows = info->shape[0];
    int64_t total;
    if (!fits || __builtin_mul_overflow(info->columns, info->rows, &total)) {
        snprintf(flaw, bytes, "has more elements than 2^63");
        return false;
    }
    return true;
}

static void describe_filters(hid_t creation, flo_dataset_info *info)
{
    for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
        unsigned flags, configuration;
        size_t values = 0;
        char name[32] = "";
        const H5Z_filter_t filter =
            H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, sizeof name,
                           name, &configuration);
        if (!name[0])
            snprintf(name, sizeof name, "filter %d", (int)filter);
        append(info->layout, sizeof info->layout, ", ");
        append(info->layout, sizeof info->layout, name);
    }
}

static void describe_chunks(hid_t creation, flo_dataset_info *info)
{
    hsize_t chunk[H5S_MAX_RANK];
    const int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
    info->chunk_rows = rank > 0 ? (int64_t)chunk[0] : 0;
    snprintf(info->layout, sizeof info->layout, "chunked");
    for (int d = 0; d < rank; ++d) {
        char extent[32];
        snprintf(extent, sizeof extent, "%s%llu", d ? " x " : " ",
                 (unsigned long long)chunk[d]);
        append(info->layout, sizeof info->layout, extent);
    }
}

static void describe_layout(hid_t creation, flo_dataset_info *info)
{
    switch (H5Pget_layout(creation)) {
    case H5D_CHUNKED:
        describe_chunks(creation, info);
        break;
    case H5D_CONTIGUOUS:
        snprintf(info->layout, sizeof info->layout, "contiguous%s",
                 H5Pget_external_count(creation) > 0 ? ", in external files" : "");
        break;
    case H5D_COMPACT:
        snprintf(info->layout, sizeof info->layout, "compact");
        break;
    default:
        snprintf(info->layout, sizeof info->layout, "virtual");
    }
    describe_filters(creation, info);
}

bool flo_hdf5_describe(hid_t dataset, flo_dataset_info *info, char *flaw, size_t bytes)
{
    *info = (flo_dataset_info){0};
    const hid_t type = H5Dget_type(dataset);
    const hid_t space = H5Dget_space(dataset);
    const hid_t creation = H5Dget_create_plist(dataset);
    bool good = false;
    if (type < 0 || space < 0 || creation < 0) {
        snprintf(flaw, bytes, "has a header that HDF5 cannot read");
        goto done;
    }
    describe_layout(creation, info);
    info->identity = flo_hdf5_identify(dataset);
    info->stored_bytes = (int64_t)H5Dget_storage_size(dataset);
    good = describe_type(type, info, flaw, bytes) &&
           describe_shape(space, type, info, flaw, bytes);
done:
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(creation);
    return good;
}

/* An HDF5 file read from bytes in memory, without a copy of them. */
#include "hdf5/image_parts.h"
#include "hdf5/library.h"

#include <stdint.h>
#include <stdio.h>

enum { MOST_DIMENSIONS = 8 };

/* The core driver asks these for its buffer. The file is only read, so it gets the
   borrowed bytes themselves each time instead of a copy, and nothing is freed. */
static void *lend(size_t size, H5FD_file_image_op_t operation, void *image)
{
    (void)operation;
    const flo_image *const lender = image;
    return size == lender->size ? (void *)(uintptr_t)lender->bytes : NULL;
}

static void *copy_nothing(void *to, const void *from, size_t size,
                          H5FD_file_image_op_t operation, void *image)
{
    (void)from, (void)size, (void)operation, (void)image;
    return to;
}

static void *grow_nothing(void *bytes, size_t size, H5FD_file_image_op_t operation,
                          void *image)
{
    (void)bytes, (void)size, (void)operation, (void)image;
    return NULL;
}

static hid_t open_bytes(flo_image *image)
{
    const H5FD_file_image_callbacks_t lending = {
        .image_malloc = lend,
        .image_memcpy = copy_nothing,
        .image_realloc = grow_nothing,
    };
    char handle[64];
    flo_image_handle(image, handle, sizeof handle);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1, 0);
    hid_t file = -1;
    if (flo_image_lends(access, lending, image) &&
        H5Pset_file_image(access, (void *)(uintptr_t)image->bytes, image->size) >= 0)
        file = H5Fopen(handle, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

flo_status flo_image_open(flo_context *context, const char *name, const void *bytes,
                          size_t size, flo_image **image)
{
    FLO_TRY(flo_image_allocate(context, name, image));
    (*image)->bytes = bytes;
    (*image)->size = size;
    const flo_hdf5_use use = flo_hdf5_begin();
    (*image)->file = size ? open_bytes(*image) : -1;
    flo_hdf5_end(use);
    if ((*image)->file >= 0)
        return FLO_OK;
    flo_image_destroy(image);
    return flo_fail(context, FLO_ERROR_FILE,
                    "%s: its %zu bytes are not an HDF5 file, or a damaged one", name,
                    size);
}

bool flo_image_has(flo_image *image, const char *path)
{
    const flo_hdf5_use use = flo_hdf5_begin();
    const hid_t object = H5Oopen(image->file, path, H5P_DEFAULT);
    H5Oclose(object);
    flo_hdf5_end(use);
    return object >= 0;
}

/* An array or an attribute that is open for reading. */
typedef struct item {
    bool is_attribute;
    hid_t id, type, space; /* each -1 when not open */
    char label[256];       /* "array parameters/x", "attribute step of /" */
} item;

static void item_close(item *it)
{
    H5Sclose(it->space);
    H5Tclose(it->type);
    if (it->is_attribute)
        H5Aclose(it->id);
    else
        H5Dclose(it->id);
}

static flo_status check_open(flo_image *image, const item *it)
{
    if (it->id >= 0 && it->type >= 0 && it->space >= 0)
        return FLO_OK;
    return flo_fail(
        image->context, FLO_ERROR_FILE,
        "%s: no %s in it; it was written by another version of flotilla, or "
        "for another flow",
        image->name, it->label);
}

/* Opens an array. Close it also after a failure. */
static flo_status array_open(flo_image *image, const char *path, item *it)
{
    *it = (item){false, -1, -1, -1, ""};
    snprintf(it->label, sizeof it->label, "array %s", path);
    it->id = H5Dopen2(image->file, path, H5P_DEFAULT);
    it->type = H5Dget_type(it->id);
    it->space = H5Dget_space(it->id);
    return check_open(image, it);
}

/* Opens an attribute. Close it also after a failure. */
static flo_status attribute_open(flo_image *image, const char *path, const char *name,
                                 item *it)
{
    *it = (item){true, -1, -1, -1, ""};
    snprintf(it->label, sizeof it->label, "attribute %s of %s", name, path);
    it->id = H5Aopen_by_name(image->file, path, name, H5P_DEFAULT, H5P_DEFAULT);
    it->type = H5Aget_type(it->id);
    it->space = H5Aget_space(it->id);
    return check_open(image, it);
}

static flo_status item_read(flo_image *image, const item *it, hid_t memory, void *out)
{
    const herr_t result =
        it->is_attribute ? H5Aread(it->id, memory, out)
                         : H5Dread(it->id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
    if (result >= 0)
        return FLO_OK;
    char reason[512];
    flo_hdf5_reason(reason, sizeof reason);
    return flo_fail(image->context, FLO_ERROR_FILE, "%s: HDF5 cannot read %s: %s",
                    image->name, it->label, reason);
}

/* Whether HDF5's conversion keeps the meaning: numbers to floating point; to integers
   only integers that are no wider. HDF5 itself would cut 0.5 to 0 without a word. */
static bool converts(hid_t stored, hid_t wanted)
{
    const H5T_class_t class = H5Tget_class(stored);
    if (H5Tget_class(wanted) == H5T_FLOAT)
        return class == H5T_FLOAT || class == H5T_INTEGER;
    return class == H5T_INTEGER && H5Tget_size(stored) <= H5Tget_size(wanted);
}

/* Reads exactly `count` numbers. */
static flo_status read_numbers(flo_image *image, const item *it, flo_element element,
                               int64_t count, void *values)
{
    static const char *const texts[] = {
        [FLO_ELEMENT_FLOAT] = "floating-point numbers",
        [FLO_ELEMENT_DOUBLE] = "floating-point numbers",
        [FLO_ELEMENT_INT32] = "32-bit integers",
        [FLO_ELEMENT_INT64] = "64-bit integers",
    };
    const hid_t memory = flo_image_memory_type(element);
    const int64_t found = (int64_t)H5Sget_simple_extent_npoints(it->space);
    if (found != count)
        return flo_fail(image->context, FLO_ERROR_FILE,
                        "%s: %s has %lld elements, wanted %lld", image->name, it->label,
                        (long long)found, (long long)count);
    if (!converts(it->type, memory))
        return flo_fail(image->context, FLO_ERROR_FILE,
                        "%s: %s has elements of another type, wanted %s", image->name,
                        it->label, texts[element]);
    return count > 0 ? item_read(image, it, memory, values) : FLO_OK;
}

/* Reads one string of fixed length; those of variable length are not ours. */
static flo_status read_text(flo_image *image, const item *it, char **text)
{
    if (H5Tget_class(it->type) != H5T_STRING || H5Tis_variable_str(it->type) != 0 ||
        H5Sget_simple_extent_npoints(it->space) != 1)
        return flo_fail(image->context, FLO_ERROR_FILE,
                        "%s: %s is not a text, wanted one string of fixed length",
                        image->name, it->label);
    FLO_TRY(flo_allocate(image->context, (int64_t)H5Tget_size(it->type) + 1, 1, text));
    const flo_status status = item_read(image, it, it->type, *text);
    if (status != FLO_OK)
        flo_free(image->context, text);
    return status;
}

static flo_status read_shape(flo_image *image, const item *it, int *rank,
                             int64_t *shape)
{
    hsize_t sizes[H5S_MAX_RANK];
    *rank = H5Sget_simple_extent_dims(it->space, sizes, NULL);
    if (*rank < 0 || *rank > MOST_DIMENSIONS)
        return flo_fail(image->context, FLO_ERROR_FILE,
                        "%s: %s has %d dimensions, wanted at most %d", image->name,
                        it->label, *rank, (int)MOST_DIMENSIONS);
    for (int i = 0; i < *rank; i++)
        shape[i] = (int64_t)sizes[i];
    return FLO_OK;
}

flo_status flo_image_shape(flo_image *image, const char *path, int *rank,
                           int64_t *shape)
{
    item it;
    const flo_hdf5_use use = flo_hdf5_begin();
    flo_status status = array_open(image, path, &it);
    if (status == FLO_OK)
        status = read_shape(image, &it, rank, shape);
    item_close(&it);
    flo_hdf5_end(use);
    return status;
}

flo_status flo_image_read(flo_image *image, const char *path, flo_element element,
                          int64_t count, void *values)
{
    item it;
    const flo_hdf5_use use = flo_hdf5_begin();
    flo_status status = array_open(image, path, &it);
    if (status == FLO_OK)
        status = read_numbers(image, &it, element, count, values);
    item_close(&it);
    flo_hdf5_end(use);
    return status;
}

flo_status flo_image_read_text(flo_image *image, const char *path, char **text)
{
    *text = NULL;
    item it;
    const flo_hdf5_use use = flo_hdf5_begin();
    flo_status status = array_open(image, path, &it);
    if (status == FLO_OK)
        status = read_text(image, &it, text);
    item_close(&it);
    flo_hdf5_end(use);
    return status;
}

static flo_status get_number(flo_image *image, const char *path, const char *name,
                             flo_element element, void *value)
{
    item it;
    const flo_hdf5_use use = flo_hdf5_begin();
    flo_status status = attribute_open(image, path, name, &it);
    if (status == FLO_OK)
        status = read_numbers(image, &it, element, 1, value);
    item_close(&it);
    flo_hdf5_end(use);
    return status;
}

flo_status flo_image_get_integer(flo_image *image, const char *path, const char *name,
                                 int64_t *value)
{
    return get_number(image, path, name, FLO_ELEMENT_INT64, value);
}

flo_status flo_image_get_double(flo_image *image, const char *path, const char *name,
                                double *value)
{
    return get_number(image, path, name, FLO_ELEMENT_DOUBLE, value);
}

flo_status flo_image_get_text(flo_image *image, const char *path, const char *name,
                              char **value)
{
    *value = NULL;
    item it;
    const flo_hdf5_use use = flo_hdf5_begin();
    flo_status status = attribute_open(image, path, name, &it);
    if (status == FLO_OK)
        status = read_text(image, &it, value);
    item_close(&it);
    flo_hdf5_end(use);
    return status;
}

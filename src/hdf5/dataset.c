/* Rows of a data set: pread where the bytes lie plain in the file, H5Dread elsewhere.
 */
#include "hdf5/dataset.h"

#include "core/arena.h"
#include "hdf5/convert.h"
#include "hdf5/describe.h"
#include "hdf5/library.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STAGING_BYTES = 1 << 18, /* of stored bytes: stays in the L2 cache */
    FLAW_BYTES = 1024,
    LIST_BYTES = 2048
};
static const int64_t chunk_cache_least = (int64_t)1 << 20;
static const int64_t chunk_cache_most = (int64_t)1 << 28;

struct flo_dataset {
    flo_context *context; /* borrowed */
    flo_arena *arena;     /* of all below */
    char *file, *name;
    flo_dataset_info info;
    /* Direct reading. */
    int descriptor;
    int64_t offset;        /* of row 0 in the file */
    int64_t row_bytes;     /* as stored */
    bool same_type;        /* stored as flo_real: read in place */
    flo_converter convert; /* NULL when the type is not one of the machine's own */
    unsigned char *staging;
    int64_t staging_rows;
    int64_t cache_bytes; /* of the chunk cache at most */
    /* Reading through HDF5; -1 when direct. */
    hid_t file_id, id;
};

/* Says what is there instead of a data set called `name`. */
static flo_status fail_missing(flo_context *context, hid_t file_id, const char *file,
                               const char *name)
{
    const hid_t object = H5Oopen(file_id, name, H5P_DEFAULT);
    const bool is_group = object >= 0 && H5Iget_type(object) == H5I_GROUP;
    if (object >= 0)
        H5Oclose(object);
    char list[LIST_BYTES];
    flo_hdf5_list(file_id, list, sizeof list);
    return flo_fail(context, FLO_ERROR_DATA,
                    "%s: %s '%s'; wanted one of its numeric data sets: %s", file,
                    is_group ? "found a group, not a data set, at" : "has no data set",
                    name, list);
}

static flo_status fail_flawed(const flo_dataset *dataset, const char *flaw,
                              const char *wanted)
{
    return flo_fail(dataset->context, FLO_ERROR_DATA, "%s: data set '%s' %s; wanted %s",
                    dataset->file, dataset->name, flaw, wanted);
}

/* A filter that this HDF5 lacks would fail at the first read only. */
static flo_status check_filters(const flo_dataset *dataset, hid_t creation)
{
    for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
        unsigned flags, configuration;
        size_t values = 0;
        char name[64] = "", flaw[FLAW_BYTES];
        const H5Z_filter_t filter =
            H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, sizeof name,
                           name, &configuration);
        if (H5Zfilter_avail(filter) > 0)
            continue;
        snprintf(flaw, sizeof flaw,
                 "is compressed by filter %d (%s), which this HDF5 does not have",
                 (int)filter, name);
        return fail_flawed(dataset, flaw,
                           "a filter of HDF5 itself: set HDF5_PLUGIN_PATH to the "
                           "filter's plugin, or repack the file with h5repack -f NONE");
    }
    return FLO_OK;
}

static flo_status check_sources(const flo_dataset *dataset, hid_t creation)
{
    char flaw[3 * FLAW_BYTES];
    if (H5Pget_layout(creation) != H5D_VIRTUAL ||
        flo_hdf5_sources_present(dataset->file, dataset->id, flaw, sizeof flaw))
        return FLO_OK;
    return fail_flawed(dataset, flaw,
                       "all of them (HDF5 would hand out fill values instead): bring "
                       "the sources back, or copy them into one plain data set");
}

/* A contiguous array that was made and never written reads as fill values. */
static flo_status check_written(const flo_dataset *dataset, hid_t creation)
{
    H5D_space_status_t space = H5D_SPACE_STATUS_ALLOCATED;
    H5Dget_space_status(dataset->id, &space);
    if (H5Pget_layout(creation) == H5D_VIRTUAL || dataset->info.rows == 0 ||
        dataset->info.columns == 0 || space != H5D_SPACE_STATUS_NOT_ALLOCATED)
        return FLO_OK;
    return fail_flawed(dataset, "was created but never written",
                       "rows: let its writer finish, or write it again");
}

/* The converter when the bytes can be read by pread: contiguous, in this file, not
   filtered, of a machine type, all there. Checks space and size before the offset: that
   of an unwritten array behind a user block is the undefined address plus the user
   block, a number that looks valid. */
static flo_converter find_direct(flo_dataset *dataset, hid_t creation, hid_t type)
{
    if (H5Pget_layout(creation) != H5D_CONTIGUOUS ||
        H5Pget_external_count(creation) != 0 || H5Pget_nfilters(creation) != 0)
        return NULL;
    const flo_dataset_info *const info = &dataset->info;
    const int64_t bytes = info->rows * dataset->row_bytes;
    H5D_space_status_t space;
    if (bytes == 0 || H5Dget_space_status(dataset->id, &space) < 0 ||
        space != H5D_SPACE_STATUS_ALLOCATED || info->stored_bytes != bytes)
        return NULL;
    const haddr_t offset = H5Dget_offset(dataset->id);
    struct stat about;
    if (offset == HADDR_UNDEF || fstat(dataset->descriptor, &about) != 0 ||
        offset > (haddr_t)about.st_size || (int64_t)about.st_size < bytes ||
        (int64_t)offset > (int64_t)about.st_size - bytes)
        return NULL;
    dataset->offset = (int64_t)offset;
    return flo_converter_find(type);
}

static flo_status prepare_direct(flo_dataset *dataset, hid_t type)
{
    dataset->info.direct = true;
#ifdef FLOTILLA_DOUBLE
    dataset->same_type = H5Tequal(type, H5T_NATIVE_DOUBLE) > 0;
#else
    dataset->same_type = H5Tequal(type, H5T_NATIVE_FLOAT) > 0;
#endif
    dataset->staging_rows = STAGING_BYTES / dataset->row_bytes;
    if (dataset->staging_rows < 1)
        dataset->staging_rows = 1;
    return flo_arena_take(dataset->arena, dataset->staging_rows,
                          (size_t)dataset->row_bytes, &dataset->staging);
}

/* Opens the data set again with a cache that holds every chunk of one row of chunks
   (HDF5's own 1 MiB makes it decode a chunk once a call). */
static flo_status prepare_chunked(flo_dataset *dataset, hid_t creation,
                                  int64_t element_bytes)
{
    const flo_dataset_info *const info = &dataset->info;
    hsize_t chunk[H5S_MAX_RANK];
    H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
    double bytes = (double)element_bytes * (double)info->chunk_rows;
    for (int d = 1; d < info->rank; ++d) {
        const int64_t extent = (int64_t)chunk[d];
        bytes *= (double)((info->shape[d] + extent - 1) / extent * extent);
    }
    const double most = (double)chunk_cache_most, least = (double)chunk_cache_least;
    const double cache = 2 * bytes > most    ? most
                         : 2 * bytes < least ? least
                                             : 2 * bytes;
    dataset->cache_bytes = (int64_t)cache;
    const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    /* A prime number of slots; chunks that were read whole go first, but not them alone
       (1.0): HDF5 then keeps every chunk of which a part was read, whatever the limit. */
    H5Pset_chunk_cache(access, 10007, (size_t)cache, 0.75);
    H5Dclose(dataset->id);
    dataset->id = H5Dopen2(dataset->file_id, dataset->name, access);
    H5Pclose(access);
    if (dataset->id < 0)
        return flo_fail(dataset->context, FLO_ERROR_FILE,
                        "%s: data set '%s' cannot be opened a second time; was the "
                        "file changed?",
                        dataset->file, dataset->name);
    return FLO_OK;
}

static void close_handles(flo_dataset *dataset)
{
    const flo_hdf5_use use = flo_hdf5_begin();
    if (dataset->id >= 0)
        H5Dclose(dataset->id);
    if (dataset->file_id >= 0)
        H5Fclose(dataset->file_id);
    dataset->id = dataset->file_id = -1;
    flo_hdf5_end(use);
}

static flo_status choose_reading(flo_dataset *dataset, hid_t creation, hid_t type)
{
    FLO_TRY(check_filters(dataset, creation));
    FLO_TRY(check_sources(dataset, creation));
    FLO_TRY(check_written(dataset, creation));
    const int64_t element_bytes = (int64_t)H5Tget_size(type);
    dataset->row_bytes = dataset->info.columns * element_bytes;
    dataset->convert = find_direct(dataset, creation, type);
    if (!dataset->convert)
        return H5Pget_layout(creation) == H5D_CHUNKED
                   ? prepare_chunked(dataset, creation, element_bytes)
                   : FLO_OK;
    FLO_TRY(prepare_direct(dataset, type));
    close_handles(dataset);
    return FLO_OK;
}

static flo_status open_named(flo_dataset *dataset)
{
    FLO_TRY(flo_hdf5_open(dataset->context, dataset->file, &dataset->descriptor,
                          &dataset->file_id));
    dataset->id = H5Dopen2(dataset->file_id, dataset->name, H5P_DEFAULT);
    if (dataset->id < 0)
        return fail_missing(dataset->context, dataset->file_id, dataset->file,
                            dataset->name);
    char flaw[FLAW_BYTES];
    if (!flo_hdf5_describe(dataset->id, &dataset->info, flaw, sizeof flaw))
        return fail_flawed(dataset, flaw,
                           "an array of floating-point or integer numbers, one row a "
                           "sample, of rank 1 to 8");
    const hid_t creation = H5Dget_create_plist(dataset->id);
    const hid_t type = H5Dget_type(dataset->id);
    const flo_status status = choose_reading(dataset, creation, type);
    H5Tclose(type);
    H5Pclose(creation);
    return status;
}

flo_status flo_dataset_open(flo_context *context, const char *file, const char *name,
                            flo_dataset **dataset)
{
    *dataset = NULL;
    flo_arena *arena;
    FLO_TRY(flo_arena_create(context, &arena));
    flo_dataset *made = NULL;
    flo_status status = flo_arena_take(arena, 1, sizeof *made, &made);
    if (status == FLO_OK) {
        made->context = context;
        made->arena = arena;
        made->descriptor = -1;
        made->file_id = made->id = -1;
        status = flo_arena_string(arena, file, &made->file);
    }
    if (status == FLO_OK)
        status = flo_arena_string(arena, name, &made->name);
    if (status == FLO_OK) {
        const flo_hdf5_use use = flo_hdf5_begin();
        status = open_named(made);
        flo_hdf5_end(use);
    }
    if (status == FLO_OK)
        *dataset = made;
    else if (made)
        flo_dataset_close(&made);
    else
        flo_arena_destroy(&arena);
    return status;
}

void flo_dataset_close(flo_dataset **dataset)
{
    if (!*dataset)
        return;
    close_handles(*dataset);
    if ((*dataset)->descriptor >= 0)
        close((*dataset)->descriptor);
    flo_arena *arena = (*dataset)->arena;
    flo_arena_destroy(&arena);
    *dataset = NULL;
}

const flo_dataset_info *flo_dataset_describe(const flo_dataset *dataset)
{
    return &dataset->info;
}

int64_t flo_dataset_bytes(const flo_dataset *dataset)
{
    return dataset->cache_bytes + dataset->staging_rows * dataset->row_bytes;
}

/* Reads the stored bytes of rows [first, first + count). */
static flo_status read_bytes(const flo_dataset *dataset, int64_t first, int64_t count,
                             void *bytes)
{
    const int64_t size = count * dataset->row_bytes;
    const int64_t offset = dataset->offset + first * dataset->row_bytes;
    for (int64_t done = 0; done < size;) {
        const ssize_t got = pread(dataset->descriptor, (char *)bytes + done,
                                  (size_t)(size - done), (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return flo_fail(
                dataset->context, FLO_ERROR_FILE,
                "%s: data set '%s': rows %lld to %lld cannot be read: %s; was the file "
                "cut short or replaced after it was opened?",
                dataset->file, dataset->name, (long long)first,
                (long long)(first + count - 1),
                got < 0 ? strerror(errno) : "the file ends before them");
        done += got;
    }
    return FLO_OK;
}

static flo_status read_direct(flo_dataset *dataset, int64_t first, int64_t count,
                              int64_t stride, flo_real *out)
{
    const int64_t columns = dataset->info.columns;
    if (dataset->same_type && stride == columns)
        return read_bytes(dataset, first, count, out);
    for (int64_t done = 0; done < count; done += dataset->staging_rows) {
        const int64_t left = count - done;
        const int64_t rows =
            left < dataset->staging_rows ? left : dataset->staging_rows;
        FLO_TRY(read_bytes(dataset, first + done, rows, dataset->staging));
        if (stride == columns) {
            dataset->convert(rows * columns, dataset->staging, out + done * stride);
            continue;
        }
        for (int64_t i = 0; i < rows; ++i)
            dataset->convert(columns, dataset->staging + i * dataset->row_bytes,
                             out + (done + i) * stride);
    }
    return FLO_OK;
}

static flo_status read_library(flo_dataset *dataset, int64_t first, int64_t count,
                               int64_t stride, flo_real *out)
{
    const flo_dataset_info *const info = &dataset->info;
    hsize_t start[H5S_MAX_RANK] = {(hsize_t)first}, extent[H5S_MAX_RANK];
    for (int d = 0; d < info->rank; ++d)
        extent[d] = (hsize_t)(d ? info->shape[d] : count);
    const hsize_t place[2] = {(hsize_t)count, (hsize_t)stride}, origin[2] = {0, 0};
    const hsize_t part[2] = {(hsize_t)count, (hsize_t)info->columns};
    const hid_t source = H5Dget_space(dataset->id);
    const hid_t memory = H5Screate_simple(2, place, NULL);
    H5Sselect_hyperslab(source, H5S_SELECT_SET, start, NULL, extent, NULL);
    H5Sselect_hyperslab(memory, H5S_SELECT_SET, origin, NULL, part, NULL);
#ifdef FLOTILLA_DOUBLE
    const hid_t type = H5T_NATIVE_DOUBLE;
#else
    const hid_t type = H5T_NATIVE_FLOAT;
#endif
    flo_status status = FLO_OK;
    if (H5Dread(dataset->id, type, memory, source, H5P_DEFAULT, out) < 0) {
        char reason[512];
        status = flo_fail(
            dataset->context, FLO_ERROR_FILE,
            "%s: data set '%s': rows %lld to %lld cannot be read: %s; the "
            "file is damaged, or was changed after it was opened",
            dataset->file, dataset->name, (long long)first,
            (long long)(first + count - 1), flo_hdf5_reason(reason, sizeof reason));
    }
    H5Sclose(memory);
    H5Sclose(source);
    return status;
}

flo_status flo_dataset_read(flo_dataset *dataset, int64_t first, int64_t count,
                            int64_t stride, flo_real *out)
{
    assert(first >= 0 && count >= 0 && first <= dataset->info.rows - count);
    assert(stride >= dataset->info.columns);
    if (count == 0 || dataset->info.columns == 0)
        return FLO_OK;
    if (dataset->info.direct)
        return read_direct(dataset, first, count, stride, out);
    const flo_hdf5_use use = flo_hdf5_begin();
    const flo_status status = read_library(dataset, first, count, stride, out);
    flo_hdf5_end(use);
    return status;
}

/* Records of one data set: what could stand in the way of reading them is looked for at
   opening, and how they are read is chosen there. */
#include "hdf5/stored.h"

#include "hdf5/describe.h"
#include "hdf5/home.h"
#include "hdf5/library.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLAW_BYTES = 1024, LIST_BYTES = 2048 };
static const double chunk_cache_most = 1 << 28;

/* Says what is there instead of a data set called `name`. */
static flo_status fail_missing(const flo_stored *stored, hid_t file_id)
{
    char list[LIST_BYTES], broken[FLAW_BYTES];
    flo_hdf5_broken_link(file_id, stored->name, broken, sizeof broken);
    if (broken[0])
        return flo_fail(stored->context, FLO_ERROR_DATA,
                        "%s: the name '%s' %s; bring back what the link leads to, or "
                        "name the data set in its own file",
                        stored->file, stored->name, broken);
    flo_hdf5_list(file_id, list, sizeof list);
    return flo_fail(stored->context, FLO_ERROR_DATA,
                    "%s: has no data set '%s'; wanted one of its numeric data sets: %s",
                    stored->file, stored->name, list);
}

static flo_status fail_flawed(const flo_stored *stored, const char *flaw,
                              const char *wanted)
{
    return flo_fail(stored->context, FLO_ERROR_DATA, "%s: data set '%s' %s; wanted %s",
                    stored->file, stored->name, flaw, wanted);
}

/* A filter that this HDF5 lacks would fail at the first read only. */
static flo_status check_filters(const flo_stored *stored, hid_t creation)
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
        return fail_flawed(stored, flaw,
                           "a filter of HDF5 itself: set HDF5_PLUGIN_PATH to the "
                           "filter's plugin, or repack the file with h5repack -f NONE");
    }
    return FLO_OK;
}

static flo_status check_sources(const flo_stored *stored, hid_t creation)
{
    char flaw[3 * FLAW_BYTES];
    if (H5Pget_layout(creation) != H5D_VIRTUAL ||
        flo_hdf5_sources_present(stored->id, flaw, sizeof flaw))
        return FLO_OK;
    return fail_flawed(stored, flaw,
                       "all of them (HDF5 would hand out fill values instead): bring "
                       "the sources back, or copy them into one plain data set");
}

static flo_status check_written(const flo_stored *stored)
{
    char flaw[FLAW_BYTES];
    const char *const cure =
        flo_hdf5_unwritten(stored->id, &stored->info, flaw, sizeof flaw);
    return cure ? fail_flawed(stored, flaw, cure) : FLO_OK;
}

/* What lies behind a link is looked at as the file itself was when it was opened. */
static flo_status check_home(const flo_stored *stored)
{
    char home[FLAW_BYTES], flaw[2 * FLAW_BYTES];
    if (flo_hdf5_is_home(stored->id, stored->descriptor))
        return FLO_OK;
    flo_hdf5_home_name(stored->id, home, sizeof home);
    if (!flo_hdf5_is_busy(home))
        return FLO_OK;
    snprintf(flaw, sizeof flaw,
             "lies behind a link in %.900s, which another program has open for writing",
             home);
    return fail_flawed(stored, flaw,
                       "a file that is closed: wait for its writer; if none is at "
                       "work, set the environment variable "
                       "HDF5_USE_FILE_LOCKING=FALSE to read it all the same");
}

/* Whether the records can be read by pread: contiguous, in the very file that is
   open (a link may lead into another), not filtered, of types that we convert, all
   there. Checks space and size before the offset: that of an unwritten array behind a
   user block is the undefined address plus the user block, a number that looks valid.
 */
static bool find_direct(flo_stored *stored, hid_t creation)
{
    if (!stored->record.as_stored || H5Pget_layout(creation) != H5D_CONTIGUOUS ||
        H5Pget_external_count(creation) != 0 || H5Pget_nfilters(creation) != 0 ||
        !flo_hdf5_is_home(stored->id, stored->descriptor))
        return false;
    const int64_t bytes = stored->info.rows * stored->record.bytes;
    H5D_space_status_t space;
    if (bytes == 0 || H5Dget_space_status(stored->id, &space) < 0 ||
        space != H5D_SPACE_STATUS_ALLOCATED)
        return false;
    const haddr_t offset = H5Dget_offset(stored->id);
    struct stat about;
    if (offset == HADDR_UNDEF || fstat(stored->descriptor, &about) != 0 ||
        offset > (haddr_t)about.st_size || (int64_t)about.st_size < bytes ||
        (int64_t)offset > (int64_t)about.st_size - bytes)
        return false;
    stored->offset = (int64_t)offset;
    return true;
}

/* Opens the data set again with a cache that holds every chunk of two rows of chunks
   (HDF5's own 1 MiB makes it decode a chunk once a call). */
static flo_status prepare_chunked(flo_stored *stored, hid_t file_id, hid_t creation,
                                  hid_t type)
{
    const flo_dataset_info *const info = &stored->info;
    hsize_t chunk[H5S_MAX_RANK];
    H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
    double chunks = 2;
    double bytes = 2 * (double)H5Tget_size(type) * (double)info->chunk_rows;
    for (int d = 1; d < info->rank; ++d) {
        const int64_t extent = (int64_t)chunk[d];
        const int64_t across = (info->shape[d] + extent - 1) / extent;
        bytes *= (double)(across * extent);
        chunks *= (double)across;
    }
    bytes = bytes > chunk_cache_most ? chunk_cache_most : bytes;
    stored->cache_bytes = (int64_t)bytes;
    const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    /* A prime number of slots, many a chunk. Chunks that were read whole go first, but
       not them alone (1.0): HDF5 then keeps every chunk of which a part was read,
       whatever the limit. */
    H5Pset_chunk_cache(access, chunks > 5 ? 10007 : 521, (size_t)bytes, 0.75);
    H5Dclose(stored->id);
    stored->id = flo_hdf5_open_dataset(file_id, stored->name, access);
    H5Pclose(access);
    if (stored->id < 0)
        return flo_fail(stored->context, FLO_ERROR_FILE,
                        "%s: data set '%s' cannot be opened a second time; was the "
                        "file changed?",
                        stored->file, stored->name);
    return FLO_OK;
}

static flo_status choose_reading(flo_arena *arena, flo_stored *stored, hid_t file_id,
                                 hid_t creation, hid_t type)
{
    FLO_TRY(check_home(stored));
    FLO_TRY(check_filters(stored, creation));
    FLO_TRY(check_sources(stored, creation));
    FLO_TRY(check_written(stored));
    FLO_TRY(flo_record_make(arena, type, stored->info.columns, &stored->record));
    stored->info.direct = find_direct(stored, creation);
    if (!stored->info.direct)
        return H5Pget_layout(creation) == H5D_CHUNKED
                   ? prepare_chunked(stored, file_id, creation, type)
                   : FLO_OK;
    H5Dclose(stored->id);
    stored->id = -1;
    return FLO_OK;
}

flo_status flo_stored_open(flo_arena *arena, const char *file, int descriptor,
                           hid_t file_id, const char *name, flo_stored *stored)
{
    *stored = (flo_stored){.context = flo_arena_context(arena),
                           .file = file,
                           .name = name,
                           .descriptor = descriptor,
                           .record.type = -1};
    stored->id = flo_hdf5_open_dataset(file_id, name, -1);
    if (stored->id < 0)
        return fail_missing(stored, file_id);
    char flaw[FLAW_BYTES];
    if (!flo_hdf5_describe(stored->id, &stored->info, flaw, sizeof flaw))
        return fail_flawed(stored, flaw,
                           "an array of floating-point or integer numbers, one row a "
                           "sample, of rank 1 to 8, or a table [N] with fields that "
                           "are");
    const hid_t creation = H5Dget_create_plist(stored->id);
    const hid_t type = H5Dget_type(stored->id);
    const flo_status status = choose_reading(arena, stored, file_id, creation, type);
    H5Tclose(type);
    H5Pclose(creation);
    return status;
}

void flo_stored_close(flo_stored *stored)
{
    flo_record_close(&stored->record);
    if (stored->id >= 0)
        H5Dclose(stored->id);
    stored->id = -1;
}

static flo_status fail_read(const flo_stored *stored, int64_t first, int64_t count,
                            const char *reason, const char *advice)
{
    return flo_fail(stored->context, FLO_ERROR_FILE,
                    "%s: data set '%s': rows %lld to %lld cannot be read: %s; %s",
                    stored->file, stored->name, (long long)first,
                    (long long)(first + count - 1), reason, advice);
}

static flo_status read_direct(const flo_stored *stored, int64_t first, int64_t count,
                              void *records)
{
    const int64_t size = count * stored->record.bytes;
    const int64_t offset = stored->offset + first * stored->record.bytes;
    for (int64_t done = 0; done < size;) {
        const ssize_t got = pread(stored->descriptor, (char *)records + done,
                                  (size_t)(size - done), (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_read(stored, first, count,
                             got < 0 ? strerror(errno) : "the file ends before them",
                             "was the file cut short or replaced after it was opened?");
        done += got;
    }
    return FLO_OK;
}

static flo_status read_library(const flo_stored *stored, int64_t first, int64_t count,
                               void *records)
{
    const flo_dataset_info *const info = &stored->info;
    hsize_t start[H5S_MAX_RANK] = {(hsize_t)first}, extent[H5S_MAX_RANK];
    for (int d = 0; d < info->rank; ++d)
        extent[d] = (hsize_t)(d ? info->shape[d] : count);
    const hid_t source = H5Dget_space(stored->id);
    /* Of the same shape: HDF5 takes 20 times as long to copy between others. */
    const hid_t memory = H5Screate_simple(info->rank, extent, NULL);
    H5Sselect_hyperslab(source, H5S_SELECT_SET, start, NULL, extent, NULL);
    flo_status status = FLO_OK;
    if (H5Dread(stored->id, stored->record.type, memory, source, H5P_DEFAULT, records) <
        0) {
        char reason[512];
        status = fail_read(stored, first, count, flo_hdf5_reason(reason, sizeof reason),
                           "the file is damaged, or was changed after it was opened");
    }
    H5Sclose(memory);
    H5Sclose(source);
    return status;
}

flo_status flo_stored_read(const flo_stored *stored, int64_t first, int64_t count,
                           void *records)
{
    if (stored->info.direct)
        return read_direct(stored, first, count, records);
    const flo_hdf5_use use = flo_hdf5_begin_file(stored->file);
    const flo_status status = read_library(stored, first, count, records);
    flo_hdf5_end(use);
    return status;
}

/* What was made and never written, or lost its end, would read as fill values or zeros:
   it is looked for before a data set is read. */
#include "hdf5/describe.h"

#include "hdf5/home.h"
#include "hdf5/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096 };

/* How many chunks the shape wants; -1 where that cannot be. */
static int64_t wanted_chunks(const flo_dataset_info *info, hid_t creation)
{
    hsize_t chunk[H5S_MAX_RANK];
    int64_t wanted = 1;
    if (H5Pget_chunk(creation, H5S_MAX_RANK, chunk) != info->rank)
        return -1;
    for (int d = 0; d < info->rank; ++d) {
        const int64_t extent = (int64_t)chunk[d], length = info->shape[d];
        if (extent <= 0 ||
            __builtin_mul_overflow(wanted, length / extent + (length % extent != 0),
                                   &wanted))
            return -1;
    }
    return wanted;
}

static const char *check_chunks(hid_t dataset, const flo_dataset_info *info,
                                hid_t creation, char *flaw, size_t bytes)
{
#if H5_VERSION_GE(1, 10, 5)
    hsize_t found = 0;
    const int64_t wanted = wanted_chunks(info, creation);
    const hid_t space = H5Dget_space(dataset);
    const bool known = H5Dget_num_chunks(dataset, space, &found) >= 0;
    H5Sclose(space);
    if (!known || (int64_t)found != wanted) {
        snprintf(flaw, bytes, "has %lld of the %lld chunks of its shape",
                 (long long)(known ? (int64_t)found : 0), (long long)wanted);
        return "all of them (HDF5 would hand out fill values for the others): let its "
               "writer finish, or write it again";
    }
#endif
    return NULL;
}

/* Where HDF5 looks for a file of raw data: a name that is not absolute is one of the
   working directory, or of HDF5_EXTFILE_PREFIX, which may begin with the folder of the
   HDF5 file as ${ORIGIN}. */
static void find_external(hid_t dataset, const char *name, char *path, size_t bytes)
{
    static const char origin[] = "${ORIGIN}";
    const char *prefix = getenv("HDF5_EXTFILE_PREFIX");
    char home[PATH_BYTES];
    if (name[0] == '/' || !prefix || !prefix[0] || strcmp(prefix, ".") == 0) {
        snprintf(path, bytes, "%s", name);
        return;
    }
    if (strncmp(prefix, origin, strlen(origin)) != 0) {
        snprintf(path, bytes, "%s/%s", prefix, name);
        return;
    }
    flo_hdf5_home_name(dataset, home, sizeof home);
    char *const slash = strrchr(home, '/');
    snprintf(slash ? slash : home, 2, slash ? "" : ".");
    snprintf(path, bytes, "%s%s/%s", home, prefix + strlen(origin), name);
}

/* HDF5 gives zeros for what lies behind the end of a file of raw data. */
static const char *check_external(hid_t dataset, hid_t creation, int64_t wanted,
                                  char *flaw, size_t bytes)
{
    const int count = H5Pget_external_count(creation);
    for (int i = 0; i < count && wanted > 0; ++i) {
        char name[PATH_BYTES] = "", path[3 * PATH_BYTES];
        off_t offset = 0;
        hsize_t size = 0;
        struct stat about;
        H5Pget_external(creation, (unsigned)i, sizeof name - 1, name, &offset, &size);
        find_external(dataset, name, path, sizeof path);
        const int64_t part =
            size == H5F_UNLIMITED || (int64_t)size > wanted ? wanted : (int64_t)size;
        const bool there = stat(path, &about) == 0;
        if (there && (int64_t)about.st_size - (int64_t)offset >= part) {
            wanted -= part;
            continue;
        }
        snprintf(flaw, bytes, "has its numbers in the file %.300s, which %s", path,
                 there ? "is too short" : "is not there");
        return "all of its bytes: HDF5 looks for such files in the working directory, "
               "not beside the HDF5 file; the environment variable "
               "HDF5_EXTFILE_PREFIX='${ORIGIN}' makes it look beside it";
    }
    return NULL;
}

const char *flo_hdf5_unwritten(hid_t dataset, const flo_dataset_info *info, char *flaw,
                               size_t bytes)
{
    const hid_t creation = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
    const int64_t size = (int64_t)H5Tget_size(type);
    const int64_t row_bytes = info->by_name ? size : info->columns * size;
    const H5D_layout_t layout = H5Pget_layout(creation);
    const bool flat = flo_record_is_flat(type);
    int64_t wanted;
    const bool known = !__builtin_mul_overflow(info->rows, row_bytes, &wanted);
    const char *cure = NULL;
    if (layout == H5D_VIRTUAL)
        goto done;
    if (H5Pget_external_count(creation) != 0)
        cure =
            check_external(dataset, creation, known ? wanted : INT64_MAX, flaw, bytes);
    else if (layout == H5D_CHUNKED && info->stored_bytes > 0)
        cure = check_chunks(dataset, info, creation, flaw, bytes);
    else if (info->stored_bytes == 0 && info->rows > 0 && info->columns > 0) {
        snprintf(flaw, bytes, "was created but never written");
        cure = "rows: let its writer finish, or write it again";
    } else if (flat && (!known || wanted != info->stored_bytes)) {
        snprintf(flaw, bytes, "has %lld bytes in the file for %lld rows of %lld",
                 (long long)info->stored_bytes, (long long)info->rows,
                 (long long)row_bytes);
        cure = "the bytes of its shape: the file is damaged: copy it again";
    }
done:
    H5Tclose(type);
    H5Pclose(creation);
    return cure;
}

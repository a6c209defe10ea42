/* HDF5's turn and its error stack; files opened read-only, without locks. */
#include "hdf5/library.h"

#include "hdf5/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the whole process, as HDF5's own state is. */
static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
/* Of the thread whose turn it is. */
static const char *volatile file_inside;
static volatile pthread_t thread_inside;

flo_hdf5_use flo_hdf5_begin_file(const char *file)
{
    flo_hdf5_use use = {NULL, NULL, NULL};
    pthread_mutex_lock(&turn);
    use.file = file_inside;
    thread_inside = pthread_self();
    if (file) /* else it goes on with the file of the use around it */
        file_inside = file;
    H5Eget_auto2(H5E_DEFAULT, &use.print, &use.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return use;
}

flo_hdf5_use flo_hdf5_begin(void)
{
    return flo_hdf5_begin_file(NULL);
}

void flo_hdf5_end(flo_hdf5_use use)
{
    H5Eset_auto2(H5E_DEFAULT, use.print, use.data);
    file_inside = use.file;
    pthread_mutex_unlock(&turn);
}

void flo_hdf5_skip_exit(void)
{
    H5dont_atexit();
}

const char *flo_hdf5_file_inside(void)
{
    const char *const file = file_inside;
    return file && pthread_equal(thread_inside, pthread_self()) ? file : NULL;
}

typedef struct reason_text {
    char *text;
    size_t bytes;
} reason_text;

static herr_t take_first(unsigned depth, const H5E_error2_t *error, void *data)
{
    const reason_text *const reason = data;
    if (depth == 0 && error->desc)
        snprintf(reason->text, reason->bytes, "%s", error->desc);
    return 0;
}

const char *flo_hdf5_reason(char *text, size_t bytes)
{
    reason_text reason = {text, bytes};
    snprintf(text, bytes, "HDF5 gives no reason");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &reason);
    return text;
}

/* The signature stands at byte 0, or behind a user block at 512, 1024, 2048, ... */
static bool has_signature(int descriptor, int64_t size)
{
    static const char signature[8] = "\211HDF\r\n\032\n";
    char found[8];
    for (int64_t at = 0; at + 8 <= size; at = at ? 2 * at : 512)
        if (pread(descriptor, found, 8, (off_t)at) == 8 && !memcmp(found, signature, 8))
            return true;
    return false;
}

/* HDF5's own switch. */
static bool locks_are_off(void)
{
    const char *const use = getenv("HDF5_USE_FILE_LOCKING");
    return use && (strcmp(use, "FALSE") == 0 || strcmp(use, "0") == 0);
}

/* Whether another program has the file open for writing: HDF5 then holds an exclusive
   flock on it. Ours is given back at once, and a file system without flock passes. */
static bool is_being_written(int descriptor)
{
    if (locks_are_off())
        return false;
    const bool locked =
        flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!locked)
        flock(descriptor, LOCK_UN);
    return locked;
}

bool flo_hdf5_is_busy(const char *file)
{
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    const bool busy = is_being_written(descriptor);
    close(descriptor);
    return busy;
}

static flo_status open_checked(flo_context *context, const char *file, int *descriptor)
{
    *descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (*descriptor < 0)
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: cannot be opened for reading: %s; paths are relative to "
                        "the working directory",
                        file, strerror(errno));
    struct stat about;
    if (fstat(*descriptor, &about) != 0 || !S_ISREG(about.st_mode))
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: found something other than a regular file, wanted an HDF5 "
                        "file",
                        file);
    if (is_being_written(*descriptor))
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: another program has it open for writing: wait until it "
                        "has closed the file; if none has, set the environment "
                        "variable HDF5_USE_FILE_LOCKING=FALSE to read it all the same",
                        file);
    if (!has_signature(*descriptor, (int64_t)about.st_size))
        return flo_fail(context, FLO_ERROR_FILE,
                        "%s: not an HDF5 file: no HDF5 signature in its %lld bytes; "
                        "convert the data to HDF5, or copy the file again",
                        file, (long long)about.st_size);
    return FLO_OK;
}

/* H5Pset_file_locking came with 1.10.7, and 1.12.0 is older than that. */
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
#define HAS_FILE_LOCKING 1
#else
#define HAS_FILE_LOCKING 0
#endif

hid_t flo_hdf5_access(void)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
#if HAS_FILE_LOCKING
    H5Pset_file_locking(access, 0, 1);
#endif
    return access;
}

/* A file that HDF5 has open with locks, as a source of a virtual data set, it opens
   once more only so. */
static hid_t open_unlocked(const char *file, char *reason, size_t bytes)
{
    const hid_t access = flo_hdf5_access();
    const hid_t id = H5Fopen(file, H5F_ACC_RDONLY, access);
    if (id < 0)
        flo_hdf5_reason(reason, bytes);
    H5Pclose(access);
    return id < 0 ? H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT) : id;
}

flo_status flo_hdf5_open(flo_context *context, const char *file, int *descriptor,
                         hid_t *id)
{
    *id = -1;
    flo_status status = open_checked(context, file, descriptor);
    char reason[512];
    if (status == FLO_OK && (*id = open_unlocked(file, reason, sizeof reason)) < 0)
        status =
            flo_fail(context, FLO_ERROR_FILE,
                     "%s: HDF5 cannot open it: %s; the file is damaged, cut short "
                     "or still being written: copy it again or wait for its writer",
                     file, reason);
    if (status != FLO_OK && *descriptor >= 0) {
        close(*descriptor);
        *descriptor = -1;
    }
    return status;
}

/* For tests: a folder that is removed at the end, and HDF5 files in it. */
#ifndef FLO_TESTS_HDF5_SCRATCH_H
#define FLO_TESTS_HDF5_SCRATCH_H

#include <assert.h>
#include <dirent.h>
#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRATCH_BYTES = 256, SCRATCH_PATH = 600 };

/* Makes a folder under TMPDIR or /tmp: folder [SCRATCH_BYTES]. */
static inline void scratch_create(char *folder)
{
    const char *const parent = getenv("TMPDIR");
    snprintf(folder, SCRATCH_BYTES, "%.200s/flotilla-test-XXXXXX",
             parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        abort();
}

static inline void scratch_remove(const char *folder)
{
    DIR *const open = opendir(folder);
    if (!open)
        return;
    for (struct dirent *entry; (entry = readdir(open));) {
        char path[SCRATCH_PATH];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(open);
    rmdir(folder);
}

/* How a data set is stored; zeros: contiguous, no user block. */
typedef struct scratch_layout {
    hsize_t chunk[3]; /* chunk[0] 0: not chunked */
    int deflate;      /* level, 0: none */
    int compact;
    hsize_t user_block;
} scratch_layout;

static inline hid_t scratch_file(const char *path, hsize_t user_block)
{
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, user_block);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    H5Pclose(creation);
    if (file < 0)
        abort();
    return file;
}

/* Adds data set `name` (its groups are made) of a stored type, from values of a memory
   type; NULL values: never written. */
static inline void scratch_add(hid_t file, const char *name, hid_t stored, int rank,
                               const hsize_t *shape, const scratch_layout *layout,
                               hid_t memory, const void *values)
{
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    const hid_t space =
        rank ? H5Screate_simple(rank, shape, NULL) : H5Screate(H5S_SCALAR);
    H5Pset_create_intermediate_group(links, 1);
    if (layout && layout->chunk[0])
        H5Pset_chunk(creation, rank, layout->chunk);
    if (layout && layout->deflate)
        H5Pset_deflate(creation, (unsigned)layout->deflate);
    if (layout && layout->compact)
        H5Pset_layout(creation, H5D_COMPACT);
    const hid_t dataset =
        H5Dcreate2(file, name, stored, space, links, creation, H5P_DEFAULT);
    if (dataset < 0)
        abort();
    if (values && H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        abort();
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(links);
    H5Pclose(creation);
}

/* The most common case: doubles [rows, columns], stored as float or double. */
static inline void scratch_matrix(const char *path, const char *name, hid_t stored,
                                  int64_t rows, int64_t columns, const double *values)
{
    const hid_t file = access(path, F_OK) == 0
                           ? H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT)
                           : scratch_file(path, 0);
    const hsize_t shape[2] = {(hsize_t)rows, (hsize_t)columns};
    scratch_add(file, name, stored, columns ? 2 : 1, shape, NULL, H5T_NATIVE_DOUBLE,
                values);
    H5Fclose(file);
}

#endif

/* Virtual data sets: every source is looked for before fill values stand in for it. */
#include "hdf5/describe.h"

#include "hdf5/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 1024 };

/* A source as HDF5 finds it: as named, else beside the virtual data set's file. */
static hid_t open_source(const char *file, const char *source)
{
    const hid_t access = flo_hdf5_access();
    const char *const prefix = getenv("HDF5_VDS_PREFIX");
    const char *const slash = strrchr(file, '/');
    const int folder = slash ? (int)(slash - file) + 1 : 0;
    char path[2 * NAME_BYTES];
    hid_t id = H5Fopen(strcmp(source, ".") ? source : file, H5F_ACC_RDONLY, access);
    if (id < 0 && source[0] != '/') {
        snprintf(path, sizeof path, "%.*s%s", folder, file, source);
        id = H5Fopen(path, H5F_ACC_RDONLY, access);
    }
    if (id < 0 && prefix) {
        snprintf(path, sizeof path, "%s/%s", prefix, source);
        id = H5Fopen(path, H5F_ACC_RDONLY, access);
    }
    H5Pclose(access);
    return id;
}

/* Whether what mapping `index` selects lies within the source as it is now. The whole
   of a source is kept without its shape: then the number of elements must be right. */
static bool covers(hid_t creation, size_t index, hid_t source)
{
    const hid_t wanted = H5Pget_virtual_srcspace(creation, index);
    const hid_t place = H5Pget_virtual_vspace(creation, index);
    const hid_t found = H5Dget_space(source);
    hsize_t first[H5S_MAX_RANK], last[H5S_MAX_RANK], shape[H5S_MAX_RANK];
    const int rank = H5Sget_simple_extent_dims(found, shape, NULL);
    bool good;
    if (H5Sget_select_type(wanted) == H5S_SEL_ALL)
        good = H5Sget_select_npoints(place) == H5Sget_simple_extent_npoints(found);
    else
        good = rank == H5Sget_simple_extent_ndims(wanted) &&
               H5Sget_select_bounds(wanted, first, last) >= 0;
    if (good && H5Sget_select_type(wanted) != H5S_SEL_ALL)
        for (int d = 0; d < rank; ++d)
            good = good && last[d] < shape[d];
    H5Sclose(wanted);
    H5Sclose(place);
    H5Sclose(found);
    return good;
}

static bool source_present(const char *file, hid_t creation, size_t index, char *flaw,
                           size_t bytes)
{
    char source[NAME_BYTES] = "", name[NAME_BYTES] = "";
    H5Pget_virtual_filename(creation, index, source, sizeof source);
    H5Pget_virtual_dsetname(creation, index, name, sizeof name);
    const hid_t source_file = open_source(file, source);
    const hid_t dataset =
        source_file < 0 ? -1 : H5Dopen2(source_file, name, H5P_DEFAULT);
    const bool good = dataset >= 0 && covers(creation, index, dataset);
    if (!good)
        snprintf(flaw, bytes, "is virtual, and its source %s, data set '%s', %s",
                 source, name,
                 source_file < 0 ? "cannot be opened"
                 : dataset < 0   ? "is not there"
                                 : "has another size than the virtual data set says");
    if (dataset >= 0)
        H5Dclose(dataset);
    if (source_file >= 0)
        H5Fclose(source_file);
    return good;
}

bool flo_hdf5_sources_present(const char *file, hid_t dataset, char *flaw, size_t bytes)
{
    const hid_t creation = H5Dget_create_plist(dataset);
    const hid_t space = H5Dget_space(dataset);
    size_t count = 0;
    H5Pget_virtual_count(creation, &count);
    hssize_t mapped = 0;
    bool good = true;
    for (size_t i = 0; good && i < count; ++i) {
        const hid_t part = H5Pget_virtual_vspace(creation, i);
        const hssize_t points = H5Sget_select_npoints(part);
        H5Sclose(part);
        mapped += points;
        good = points >= 0;
        if (!good)
            snprintf(flaw, bytes, "is virtual with sources that may grow");
        good = good && source_present(file, creation, i, flaw, bytes);
    }
    const hssize_t total = H5Sget_simple_extent_npoints(space);
    if (good && mapped != total) {
        snprintf(flaw, bytes,
                 "is virtual, and its sources give %lld of its %lld elements",
                 (long long)mapped, (long long)total);
        good = false;
    }
    H5Sclose(space);
    H5Pclose(creation);
    return good;
}

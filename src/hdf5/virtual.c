/* Virtual data sets: every source is looked for before fill values stand in for it. */
#include "hdf5/describe.h"

#include "hdf5/home.h"
#include "hdf5/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 1024, DEPTH_MOST = 16 };

static bool sources_present(hid_t dataset, int depth, char *flaw, size_t bytes);

/* How HDF5 itself will open the sources: not always as the file that maps them (1.10.8
   forgets that locks are off), and it refuses a file that it has open in another way,
   which ends in fill values. To be closed. */
static hid_t source_access(hid_t dataset)
{
    const hid_t file = H5Iget_file_id(dataset);
    const hid_t access = H5Fget_access_plist(file);
    H5Pset_fclose_degree(access, H5F_CLOSE_WEAK);
    H5Fclose(file);
    return access;
}

/* A source as HDF5 finds it: as named, else beside the virtual data set's file. */
static hid_t open_source(const char *file, const char *source, hid_t access)
{
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
    return id;
}

/* Why a source cannot be opened: it is not there, or open in our own way. */
static const char *why_not(const char *file, const char *source)
{
    const hid_t access = flo_hdf5_access();
    const hid_t id = open_source(file, source, access);
    H5Pclose(access);
    if (id < 0)
        return "cannot be opened";
    H5Fclose(id);
    return "is read by itself, too, in this run, which HDF5 does not allow: read both "
           "through virtual data sets, or none";
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

/* Names are formats in which only %% can stand: %b, a number, needs sources that grow.
 */
static void unescape(char *name)
{
    char *to = name;
    for (const char *from = name; *from; ++from) {
        from += from[0] == '%' && from[1] == '%';
        *to++ = *from;
    }
    *to = '\0';
}

/* What is wrong with a source that was found, as text [bytes]; empty: nothing. */
static void look_into(hid_t source, int depth, char *text, size_t bytes)
{
    char home[NAME_BYTES], flaw[2 * NAME_BYTES];
    flo_dataset_info info;
    text[0] = '\0';
    flo_hdf5_home_name(source, home, sizeof home);
    if (flo_hdf5_is_busy(home))
        snprintf(text, bytes,
                 "lies in a file that another program has open for "
                 "writing");
    else if (depth > DEPTH_MOST)
        snprintf(text, bytes, "is virtual in turn, too many times");
    else if (!sources_present(source, depth, flaw, sizeof flaw) ||
             (flo_hdf5_describe(source, &info, flaw, sizeof flaw) &&
              flo_hdf5_unwritten(source, &info, flaw, sizeof flaw)))
        snprintf(text, bytes, "%s", flaw);
}

static bool source_present(hid_t dataset, hid_t creation, size_t index, int depth,
                           char *flaw, size_t bytes)
{
    char file[NAME_BYTES], inner[2 * NAME_BYTES] = "";
    flo_hdf5_home_name(dataset, file, sizeof file);
    char source[NAME_BYTES] = "", name[NAME_BYTES] = "";
    H5Pget_virtual_filename(creation, index, source, sizeof source);
    H5Pget_virtual_dsetname(creation, index, name, sizeof name);
    unescape(source);
    unescape(name);
    const hid_t access = source_access(dataset);
    const hid_t source_file = open_source(file, source, access);
    const hid_t found =
        source_file < 0 ? -1 : flo_hdf5_open_dataset(source_file, name, -1);
    const bool covered = found >= 0 && covers(creation, index, found);
    if (covered)
        look_into(found, depth + 1, inner, sizeof inner);
    const bool good = covered && !inner[0];
    if (!good)
        snprintf(flaw, bytes, "is virtual, and its source %s, data set '%s', %s",
                 source, name,
                 source_file < 0 ? why_not(file, source)
                 : found < 0     ? "is not there"
                 : covered       ? inner
                                 : "has another size than the virtual data set says");
    if (found >= 0)
        H5Dclose(found);
    if (source_file >= 0)
        H5Fclose(source_file);
    H5Pclose(access);
    return good;
}

/* Reads one element of every mapping: HDF5 then holds the sources open, as they were
   found, until the virtual data set is closed. */
static bool hold_sources(hid_t dataset, hid_t creation, size_t count)
{
    const hid_t type = H5Dget_type(dataset), one = H5Screate(H5S_SCALAR);
    void *const element = calloc(1, H5Tget_size(type));
    bool good = element != NULL;
    for (size_t i = 0; good && i < count; ++i) {
        hsize_t first[H5S_MAX_RANK], last[H5S_MAX_RANK];
        const hid_t place = H5Pget_virtual_vspace(creation, i);
        good = H5Sget_select_bounds(place, first, last) >= 0 &&
               H5Sselect_elements(place, H5S_SELECT_SET, 1, first) >= 0 &&
               H5Dread(dataset, type, one, place, H5P_DEFAULT, element) >= 0;
        if (good)
            H5Dvlen_reclaim(type, one, H5P_DEFAULT, element);
        H5Sclose(place);
    }
    free(element);
    H5Sclose(one);
    H5Tclose(type);
    return good;
}

static bool sources_present(hid_t dataset, int depth, char *flaw, size_t bytes)
{
    const hid_t creation = H5Dget_create_plist(dataset);
    if (H5Pget_layout(creation) != H5D_VIRTUAL) {
        H5Pclose(creation);
        return true;
    }
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
            snprintf(
                flaw, bytes,
                "is virtual with sources that may grow, whose number is not known");
        good = good && source_present(dataset, creation, i, depth, flaw, bytes);
    }
    const hssize_t total = H5Sget_simple_extent_npoints(space);
    if (good && mapped != total) {
        snprintf(flaw, bytes,
                 "is virtual, and its sources give %lld of its %lld elements",
                 (long long)mapped, (long long)total);
        good = false;
    }
    if (good && !hold_sources(dataset, creation, count)) {
        snprintf(flaw, bytes, "is virtual, and its sources cannot be read");
        good = false;
    }
    H5Sclose(space);
    H5Pclose(creation);
    return good;
}

bool flo_hdf5_sources_present(hid_t dataset, char *flaw, size_t bytes)
{
    return sources_present(dataset, 0, flaw, bytes);
}

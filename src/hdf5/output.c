/* A result file written in pieces. HDF5 lays out the empty data set; rows are then
   written at their offset by pwrite, because HDF5 reports a full disk late or not at
   all. */
#include "hdf5/output.h"

#include "hdf5/image_parts.h"
#include "hdf5/library.h"
#include "hdf5/replacement.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A data set: where row 0 of it lies in the file, and how long a row is. */
typedef struct place {
    int64_t offset;
    size_t row_bytes;
} place;

struct flo_output {
    flo_replacement replacement;
    place set[FLO_OUTPUT_SETS];
};

void flo_output_abandon(flo_output **output)
{
    if (!*output)
        return;
    flo_context *const context = (*output)->replacement.context;
    flo_replacement_end(&(*output)->replacement);
    flo_free(context, output);
}

/* A text attribute of an object; texts are a list where `count` is above 0. */
static bool set_text(hid_t object, const char *name, int64_t count,
                     const char *const *texts)
{
    const hsize_t length = (hsize_t)count;
    const hid_t type = H5Tcopy(H5T_C_S1);
    const hid_t space =
        count ? H5Screate_simple(1, &length, NULL) : H5Screate(H5S_SCALAR);
    H5Tset_size(type, count ? H5T_VARIABLE : strlen(texts[0]) + 1);
    if (count)
        H5Tset_cset(type, H5T_CSET_UTF8);
    const hid_t attribute =
        H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const void *const value = count ? (const void *)texts : (const void *)texts[0];
    const bool good = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return good;
}

/* One empty data set with its space allocated. */
static bool lay_out_set(hid_t file, const flo_output_set *set, int64_t rows,
                        int64_t *offset)
{
    const hsize_t shape[2] = {(hsize_t)rows, (hsize_t)set->columns};
    const hid_t space = H5Screate_simple(set->columns ? 2 : 1, shape, NULL);
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(list, 0);
    const hid_t made = H5Dcreate2(file, set->name, flo_image_memory_type(set->element),
                                  space, H5P_DEFAULT, list, H5P_DEFAULT);
    *offset = made >= 0 ? (int64_t)H5Dget_offset(made) : -1;
    bool good = *offset > 0 || (made >= 0 && rows == 0);
    if (good && set->files)
        good = set_text(made, "files", set->files, set->file);
    if (made >= 0)
        H5Dclose(made);
    H5Pclose(list);
    H5Sclose(space);
    return good;
}

/* Creates the file with its empty data sets. */
static bool lay_out(flo_output *o, const char *source, int64_t rows, int sets,
                    const flo_output_set *set)
{
    const hid_t file =
        H5Fcreate(o->replacement.temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0)
        return false;
    bool good = set_text(file, "source", 0, &source);
    for (int i = 0; i < sets && good; i++)
        good = lay_out_set(file, &set[i], rows, &o->set[i].offset);
    return H5Fclose(file) >= 0 && good;
}

static flo_status begin(flo_output *o, bool force, const char *source, int64_t rows,
                        int sets, const flo_output_set *set)
{
    flo_replacement *const r = &o->replacement;
    if (!force && access(r->path, F_OK) == 0)
        return flo_fail(
            r->context, FLO_ERROR_USAGE,
            "%s: exists already; give another name, or --force to replace it", r->path);
    const flo_hdf5_use use = flo_hdf5_begin();
    const bool good = lay_out(o, source, rows, sets, set);
    flo_hdf5_end(use);
    if (!good)
        return flo_replacement_fail(r, "creation by HDF5");
    return flo_replacement_open(r, O_RDWR);
}

flo_status flo_output_create_sets(flo_context *context, const char *path, bool force,
                                  const char *source, int64_t rows, int sets,
                                  const flo_output_set *set, flo_output **output)
{
    size_t all = 0;
    assert(sets <= FLO_OUTPUT_SETS);
    FLO_TRY(flo_allocate(context, 1, sizeof **output, output));
    for (int i = 0; i < sets; i++) {
        const flo_element element = set[i].element;
        const size_t size =
            element == FLO_ELEMENT_FLOAT || element == FLO_ELEMENT_INT32 ? 4 : 8;
        (*output)->set[i].row_bytes =
            size * (size_t)(set[i].columns ? set[i].columns : 1);
        all += (*output)->set[i].row_bytes;
    }
    flo_status status = flo_replacement_begin(context, path, (size_t)rows * all,
                                              &(*output)->replacement);
    if (status == FLO_OK)
        status = begin(*output, force, source, rows, sets, set);
    if (status != FLO_OK)
        flo_output_abandon(output);
    return status;
}

flo_status flo_output_create(flo_context *context, const char *path, bool force,
                             const char *source, const char *name, flo_element element,
                             int64_t rows, int64_t columns, flo_output **output)
{
    const flo_output_set set = {.name = name, .element = element, .columns = columns};
    return flo_output_create_sets(context, path, force, source, rows, 1, &set, output);
}

flo_status flo_output_write_set(flo_output *o, int set, int64_t first, int64_t count,
                                const void *values)
{
    const size_t bytes = o->set[set].row_bytes;
    return flo_replacement_write(&o->replacement, values, (size_t)count * bytes,
                                 o->set[set].offset + first * (int64_t)bytes);
}

flo_status flo_output_write(flo_output *o, int64_t first, int64_t count,
                            const void *values)
{
    return flo_output_write_set(o, 0, first, count, values);
}

flo_status flo_output_close(flo_output **output)
{
    const flo_status status = flo_replacement_commit(&(*output)->replacement);
    flo_output_abandon(output);
    return status;
}

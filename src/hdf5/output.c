/* A result file written in pieces. HDF5 lays out the empty data set; rows are then
   written at their offset by pwrite, because HDF5 reports a full disk late or not at
   all. */
#include "hdf5/output.h"

#include "hdf5/image_parts.h"
#include "hdf5/library.h"
#include "hdf5/replacement.h"
#include "hdf5/texts.h"

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

/* Attributes beyond this many texts do not fit into an object header of old. */
enum { HEADER_TEXTS = 3000 };

/* The same text for all columns is given once. */
static bool set_list(hid_t set, const char *name, int64_t count,
                     const char *const *texts)
{
    bool same = true;
    if (!texts || count == 0)
        return true;
    for (int64_t j = 1; same && j < count; ++j)
        same = strcmp(texts[j], texts[0]) == 0;
    return flo_hdf5_set_texts(set, ".", name, same ? 0 : count, texts);
}

static bool set_attributes(hid_t made, const flo_output_set *set)
{
    bool good = true;
    if (set->file)
        good = flo_hdf5_set_texts(made, ".", "files", set->files, set->file);
    if (good && set->label)
        good = flo_hdf5_set_texts(made, ".", "columns", set->columns, set->label);
    return good && set_list(made, "stored_types", set->columns, set->type) &&
           set_list(made, "units", set->columns, set->unit);
}

static hid_t create_space(int64_t rows, const flo_output_set *set)
{
    hsize_t shape[9] = {(hsize_t)rows};
    for (int d = 0; d < set->rank; ++d)
        shape[d + 1] = (hsize_t)set->shape[d];
    return H5Screate_simple(set->rank + 1, shape, NULL);
}

/* One empty data set with its space allocated. */
static bool lay_out_set(hid_t file, const flo_output_set *set, int64_t rows,
                        int64_t *offset)
{
    const hid_t space = create_space(rows, set);
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(list, 0);
    const hid_t made = H5Dcreate2(file, set->name, flo_image_memory_type(set->element),
                                  space, H5P_DEFAULT, list, H5P_DEFAULT);
    *offset = made >= 0 ? (int64_t)H5Dget_offset(made) : -1;
    const bool good =
        (*offset > 0 || (made >= 0 && rows == 0)) && set_attributes(made, set);
    if (made >= 0)
        H5Dclose(made);
    H5Pclose(list);
    H5Sclose(space);
    return good;
}

static hid_t create_file(const char *path, int sets, const flo_output_set *set)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    for (int i = 0; i < sets; i++)
        if (set[i].columns > HEADER_TEXTS || set[i].files > HEADER_TEXTS)
            H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

/* Creates the file with its empty data sets. */
static bool lay_out(flo_output *o, const char *source, int64_t rows, int sets,
                    const flo_output_set *set)
{
    const hid_t file = create_file(o->replacement.temporary, sets, set);
    if (file < 0)
        return false;
    bool good = flo_hdf5_set_texts(file, ".", "source", 0, &source);
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

static size_t row_bytes(const flo_output_set *set)
{
    const flo_element element = set->element;
    size_t bytes = element == FLO_ELEMENT_FLOAT || element == FLO_ELEMENT_INT32 ? 4 : 8;
    for (int d = 0; d < set->rank; ++d)
        bytes *= (size_t)set->shape[d];
    return bytes;
}

flo_status flo_output_create_sets(flo_context *context, const char *path, bool force,
                                  const char *source, int64_t rows, int sets,
                                  const flo_output_set *set, flo_output **output)
{
    size_t all = 0;
    assert(sets <= FLO_OUTPUT_SETS);
    FLO_TRY(flo_allocate(context, 1, sizeof **output, output));
    for (int i = 0; i < sets; i++) {
        (*output)->set[i].row_bytes = row_bytes(&set[i]);
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
    const flo_output_set set = {
        .name = name, .element = element, .rank = columns > 0, .shape = {columns}};
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

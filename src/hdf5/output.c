/* A result file written in pieces. HDF5 lays out the empty data set; rows are then
   written at their offset by pwrite, because HDF5 reports a full disk late or not at
   all. */
#include "hdf5/output.h"

#include "hdf5/image_parts.h"
#include "hdf5/library.h"
#include "hdf5/replacement.h"
#include "hdf5/texts.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct flo_output {
    flo_replacement replacement;
    int64_t offset; /* of row 0 in the file */
    size_t row_bytes;
};

void flo_output_abandon(flo_output **output)
{
    if (!*output)
        return;
    flo_context *const context = (*output)->replacement.context;
    flo_replacement_end(&(*output)->replacement);
    flo_free(context, output);
}

/* Attributes beyond this many texts do not fit into an object header. */
enum { HEADER_TEXTS = 3000 };

/* The same text for all columns is given once. */
static bool set_list(hid_t file, const char *path, const char *name,
                     const flo_output_form *form, const char *const *texts)
{
    bool same = true;
    if (!texts || form->columns == 0)
        return true;
    for (int64_t j = 1; same && j < form->columns; ++j)
        same = strcmp(texts[j], texts[0]) == 0;
    return flo_hdf5_set_texts(file, path, name, same ? 0 : form->columns, texts);
}

static bool set_texts(hid_t file, const char *path, const char *source,
                      const flo_output_form *form)
{
    const bool labelled =
        !form->labels || form->columns == 0 ||
        flo_hdf5_set_texts(file, path, "columns", form->columns, form->labels);
    return labelled && flo_hdf5_set_texts(file, "/", "source", 0, &source) &&
           set_list(file, path, "stored_types", form, form->types) &&
           set_list(file, path, "units", form, form->units);
}

static hid_t create_file(const char *path, const flo_output_form *form)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (form->columns > HEADER_TEXTS)
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

static hid_t create_space(const flo_output_form *form)
{
    hsize_t shape[9] = {(hsize_t)form->rows};
    for (int d = 0; d < form->rank; ++d)
        shape[d + 1] = (hsize_t)form->shape[d];
    return H5Screate_simple(form->rank + 1, shape, NULL);
}

/* Creates the empty data set with its space allocated; sets o->offset. */
static bool lay_out(flo_output *o, const char *source, const char *name,
                    flo_element element, const flo_output_form *form)
{
    const hid_t file = create_file(o->replacement.temporary, form);
    const hid_t space = create_space(form);
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(list, 0);
    const hid_t set = H5Dcreate2(file, name, flo_image_memory_type(element), space,
                                 H5P_DEFAULT, list, H5P_DEFAULT);
    o->offset = set >= 0 ? (int64_t)H5Dget_offset(set) : -1;
    bool good = file >= 0 && (o->offset > 0 || form->rows == 0) &&
                set_texts(file, name, source, form);
    if (set >= 0)
        H5Dclose(set);
    H5Pclose(list);
    H5Sclose(space);
    if (file >= 0)
        good &= H5Fclose(file) >= 0;
    return good;
}

static flo_status begin(flo_output *o, bool force, const char *source, const char *name,
                        flo_element element, const flo_output_form *form)
{
    flo_replacement *const r = &o->replacement;
    if (!force && access(r->path, F_OK) == 0)
        return flo_fail(
            r->context, FLO_ERROR_USAGE,
            "%s: exists already; give another name, or --force to replace it", r->path);
    const flo_hdf5_use use = flo_hdf5_begin();
    const bool good = lay_out(o, source, name, element, form);
    flo_hdf5_end(use);
    if (!good)
        return flo_replacement_fail(r, "creation by HDF5");
    return flo_replacement_open(r, O_RDWR);
}

flo_status flo_output_begin(flo_context *context, const char *path, bool force,
                            const char *source, const char *name, flo_element element,
                            const flo_output_form *form, flo_output **output)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **output, output));
    size_t row = element == FLO_ELEMENT_FLOAT || element == FLO_ELEMENT_INT32 ? 4 : 8;
    for (int d = 0; d < form->rank; ++d)
        row *= (size_t)form->shape[d];
    (*output)->row_bytes = row;
    flo_status status = flo_replacement_begin(context, path, (size_t)form->rows * row,
                                              &(*output)->replacement);
    if (status == FLO_OK)
        status = begin(*output, force, source, name, element, form);
    if (status != FLO_OK)
        flo_output_abandon(output);
    return status;
}

flo_status flo_output_create(flo_context *context, const char *path, bool force,
                             const char *source, const char *name, flo_element element,
                             int64_t rows, int64_t columns, flo_output **output)
{
    const flo_output_form form = {
        .rows = rows, .rank = columns > 0, .shape = {columns}};
    return flo_output_begin(context, path, force, source, name, element, &form, output);
}

flo_status flo_output_write(flo_output *o, int64_t first, int64_t count,
                            const void *values)
{
    return flo_replacement_write(&o->replacement, values, (size_t)count * o->row_bytes,
                                 o->offset + first * (int64_t)o->row_bytes);
}

flo_status flo_output_close(flo_output **output)
{
    const flo_status status = flo_replacement_commit(&(*output)->replacement);
    flo_output_abandon(output);
    return status;
}

/* A result file written in pieces. HDF5 lays out the empty data set; rows are then
   written at their offset by pwrite, because HDF5 reports a full disk late or not at
   all. */
#include "hdf5/output.h"

#include "hdf5/image_parts.h"
#include "hdf5/library.h"
#include "hdf5/replacement.h"

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

static bool set_source(hid_t file, const char *source)
{
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(source) + 1);
    const hid_t attribute =
        H5Acreate2(file, "source", type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool good = attribute >= 0 && H5Awrite(attribute, type, source) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return good;
}

/* Creates the empty data set with its space allocated; sets o->offset. */
static bool lay_out(flo_output *o, const char *source, const char *name,
                    flo_element element, int64_t rows, int64_t columns)
{
    const hsize_t shape[2] = {(hsize_t)rows, (hsize_t)columns};
    const hid_t file =
        H5Fcreate(o->replacement.temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(columns ? 2 : 1, shape, NULL);
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(list, 0);
    const hid_t set = H5Dcreate2(file, name, flo_image_memory_type(element), space,
                                 H5P_DEFAULT, list, H5P_DEFAULT);
    o->offset = set >= 0 ? (int64_t)H5Dget_offset(set) : -1;
    bool good = file >= 0 && (o->offset > 0 || rows == 0) && set_source(file, source);
    if (set >= 0)
        H5Dclose(set);
    H5Pclose(list);
    H5Sclose(space);
    if (file >= 0)
        good &= H5Fclose(file) >= 0;
    return good;
}

static flo_status begin(flo_output *o, bool force, const char *source, const char *name,
                        flo_element element, int64_t rows, int64_t columns)
{
    flo_replacement *const r = &o->replacement;
    if (!force && access(r->path, F_OK) == 0)
        return flo_fail(
            r->context, FLO_ERROR_USAGE,
            "%s: exists already; give another name, or --force to replace it", r->path);
    const flo_hdf5_use use = flo_hdf5_begin();
    const bool good = lay_out(o, source, name, element, rows, columns);
    flo_hdf5_end(use);
    if (!good)
        return flo_replacement_fail(r, "creation by HDF5");
    return flo_replacement_open(r, O_RDWR);
}

flo_status flo_output_create(flo_context *context, const char *path, bool force,
                             const char *source, const char *name, flo_element element,
                             int64_t rows, int64_t columns, flo_output **output)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **output, output));
    const size_t size =
        element == FLO_ELEMENT_FLOAT || element == FLO_ELEMENT_INT32 ? 4 : 8;
    (*output)->row_bytes = size * (size_t)(columns ? columns : 1);
    flo_status status = flo_replacement_begin(
        context, path, (size_t)rows * (*output)->row_bytes, &(*output)->replacement);
    if (status == FLO_OK)
        status = begin(*output, force, source, name, element, rows, columns);
    if (status != FLO_OK)
        flo_output_abandon(output);
    return status;
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

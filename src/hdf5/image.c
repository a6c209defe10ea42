/* An HDF5 file built in memory: the core driver without a backing file, in memory that
   is the caller's once the file is finished, for a copy would be as large again. */
#include "hdf5/image_parts.h"
#include "hdf5/library.h"

#include <stdio.h>
#include <string.h>

enum { GROWTH_BYTES = 1 << 20, MOST_DIMENSIONS = 8 };

hid_t flo_image_memory_type(flo_element element)
{
    const hid_t types[] = {
        [FLO_ELEMENT_FLOAT] = H5T_NATIVE_FLOAT,
        [FLO_ELEMENT_DOUBLE] = H5T_NATIVE_DOUBLE,
        [FLO_ELEMENT_INT32] = H5T_NATIVE_INT32,
        [FLO_ELEMENT_INT64] = H5T_NATIVE_INT64,
    };
    return types[element];
}

/* Stored little-endian whatever the machine: the same run gives the same file. */
static hid_t file_type(flo_element element)
{
    const hid_t types[] = {
        [FLO_ELEMENT_FLOAT] = H5T_IEEE_F32LE,
        [FLO_ELEMENT_DOUBLE] = H5T_IEEE_F64LE,
        [FLO_ELEMENT_INT32] = H5T_STD_I32LE,
        [FLO_ELEMENT_INT64] = H5T_STD_I64LE,
    };
    return types[element];
}

flo_status flo_image_allocate(flo_context *context, const char *name, flo_image **image)
{
    FLO_TRY(flo_allocate(context, 1, sizeof **image, image));
    (*image)->context = context;
    (*image)->file = -1;
    const size_t bytes = strlen(name) + 1;
    const flo_status status = flo_allocate(context, (int64_t)bytes, 1, &(*image)->name);
    if (status != FLO_OK) {
        flo_image_destroy(image);
        return status;
    }
    memcpy((*image)->name, name, bytes);
    return FLO_OK;
}

/* Closes the file, after which HDF5 does not know its memory any more; false: it still
   does. */
static bool close_file(flo_image *image)
{
    const flo_hdf5_use use = flo_hdf5_begin();
    const bool closed = image->file < 0 || H5Fclose(image->file) >= 0;
    flo_hdf5_end(use);
    image->file = -1;
    return closed;
}

static void free_image(flo_image **image)
{
    flo_context *const context = (*image)->context;
    flo_free(context, &(*image)->written);
    flo_free(context, &(*image)->name);
    flo_free(context, image);
}

/* What HDF5 does not let go it may use until the process ends: that is left to it. */
void flo_image_destroy(flo_image **image)
{
    if (*image && close_file(*image))
        free_image(image);
    *image = NULL;
}

void flo_image_handle(const flo_image *image, char *text, size_t size)
{
    snprintf(text, size, "flotilla-image-%p", (const void *)image);
}

static herr_t free_nothing(void *bytes, H5FD_file_image_op_t operation, void *image)
{
    (void)bytes, (void)operation, (void)image;
    return 0;
}

static void *same_image(void *image)
{
    return image;
}

static herr_t keep_image(void *image)
{
    (void)image;
    return 0;
}

bool flo_image_lends(hid_t access, H5FD_file_image_callbacks_t functions,
                     flo_image *image)
{
    functions.image_free = free_nothing;
    functions.udata_copy = same_image;
    functions.udata_free = keep_image;
    functions.udata = image;
    return H5Pset_file_image_callbacks(access, &functions) >= 0;
}

/* The core driver asks this for more memory. */
static void *grow(void *bytes, size_t size, H5FD_file_image_op_t operation, void *image)
{
    (void)bytes, (void)operation;
    flo_image *const owner = image;
    if (flo_resize(owner->context, size, &owner->written) == FLO_OK)
        return owner->written;
    owner->wanted = size;
    return NULL;
}

/* A failure of HDF5: that of its memory, if it had too little, else `otherwise`. */
static flo_status fail(const flo_image *image, const char *otherwise)
{
    if (image->wanted)
        return flo_fail(image->context, FLO_ERROR_MEMORY,
                        "out of memory: %zu bytes were asked for, for an HDF5 file; "
                        "use less data.memory, or fewer ranks on this host",
                        image->wanted);
    return flo_fail(image->context, FLO_ERROR_INTERNAL, "%s", otherwise);
}

flo_status flo_image_create(flo_context *context, flo_image **image)
{
    FLO_TRY(flo_image_allocate(context, "", image));
    char handle[64];
    flo_image_handle(*image, handle, sizeof handle);
    const flo_hdf5_use use = flo_hdf5_begin();
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, GROWTH_BYTES, 0);
    /* The oldest format that holds the objects: any HDF5 since 1.8 reads the file. */
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
    if (flo_image_lends(access, (H5FD_file_image_callbacks_t){.image_realloc = grow},
                        *image))
        (*image)->file = H5Fcreate(handle, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    flo_hdf5_end(use);
    if ((*image)->file >= 0)
        return FLO_OK;
    const flo_status status =
        fail(*image, "HDF5 could not start a file in memory (H5Fcreate with the core "
                     "driver); check the HDF5 library with `flotilla doctor`");
    flo_image_destroy(image);
    return status;
}

/* A failed call that added `path` (and attribute `name`). It must follow that call, so
   that HDF5 still knows the reason. */
static flo_status fail_add(flo_image *image, const char *path, const char *name)
{
    char reason[512], text[FLO_MESSAGE_BYTES];
    flo_hdf5_reason(reason, sizeof reason);
    snprintf(
        text, sizeof text,
        "HDF5 cannot add %s%s%s to a file in memory: %s; the name is taken, or its "
        "place is missing",
        path, *name ? ", attribute " : "", name, reason);
    return fail(image, text);
}

/* Creates a data set: contiguous, no times, no fill; missing groups are made. */
static hid_t create_set(flo_image *image, const char *path, hid_t type, hid_t space)
{
    const hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    H5Pset_char_encoding(link, H5T_CSET_UTF8);
    const hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(layout, 0); /* the same calls must give the same bytes */
    H5Pset_fill_time(layout, H5D_FILL_TIME_NEVER);
    const hid_t set =
        H5Dcreate2(image->file, path, type, space, link, layout, H5P_DEFAULT);
    H5Pclose(layout);
    H5Pclose(link);
    return set;
}

/* Creates a data set and writes all of it. */
static flo_status write_set(flo_image *image, const char *path, hid_t stored,
                            hid_t memory, hid_t space, const void *values)
{
    const hid_t set = create_set(image, path, stored, space);
    if (set < 0)
        return fail_add(image, path, "");
    flo_status status = FLO_OK;
    if (H5Sget_simple_extent_npoints(space) > 0 &&
        H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = fail_add(image, path, "");
    if (H5Dclose(set) < 0 && status == FLO_OK)
        status = fail_add(image, path, "");
    return status;
}

flo_status flo_image_add(flo_image *image, const char *path, flo_element element,
                         int rank, const int64_t *shape, const void *values)
{
    hsize_t sizes[MOST_DIMENSIONS];
    bool valid = rank >= 0 && rank <= MOST_DIMENSIONS;
    for (int i = 0; valid && i < rank; i++) {
        valid = shape[i] >= 0;
        sizes[i] = (hsize_t)shape[i];
    }
    if (!valid)
        return flo_fail(image->context, FLO_ERROR_INTERNAL,
                        "%s: an array of rank %d with these sizes cannot be stored; "
                        "wanted rank 0 to %d and no negative size",
                        path, rank, (int)MOST_DIMENSIONS);
    const flo_hdf5_use use = flo_hdf5_begin();
    const hid_t space =
        rank ? H5Screate_simple(rank, sizes, NULL) : H5Screate(H5S_SCALAR);
    const flo_status status = write_set(image, path, file_type(element),
                                        flo_image_memory_type(element), space, values);
    H5Sclose(space);
    flo_hdf5_end(use);
    return status;
}

/* A string type of fixed length that holds `text` and its final zero. The caller
   closes it. */
static hid_t text_type(const char *text)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

flo_status flo_image_add_text(flo_image *image, const char *path, const char *text)
{
    const flo_hdf5_use use = flo_hdf5_begin();
    const hid_t type = text_type(text), space = H5Screate(H5S_SCALAR);
    const flo_status status = write_set(image, path, type, type, space, text);
    H5Sclose(space);
    H5Tclose(type);
    flo_hdf5_end(use);
    return status;
}

static flo_status write_attribute(flo_image *image, const char *path, const char *name,
                                  hid_t stored, hid_t memory, hid_t space,
                                  const void *value)
{
    const hid_t attribute = H5Acreate_by_name(image->file, path, name, stored, space,
                                              H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        return fail_add(image, path, name);
    flo_status status = FLO_OK;
    if (H5Awrite(attribute, memory, value) < 0)
        status = fail_add(image, path, name);
    if (H5Aclose(attribute) < 0 && status == FLO_OK)
        status = fail_add(image, path, name);
    return status;
}

/* A scalar attribute. */
static flo_status set_attribute(flo_image *image, const char *path, const char *name,
                                hid_t stored, hid_t memory, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const flo_status status =
        write_attribute(image, path, name, stored, memory, space, value);
    H5Sclose(space);
    return status;
}

flo_status flo_image_set_integer(flo_image *image, const char *path, const char *name,
                                 int64_t value)
{
    const flo_hdf5_use use = flo_hdf5_begin();
    const flo_status status =
        set_attribute(image, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
    flo_hdf5_end(use);
    return status;
}

flo_status flo_image_set_double(flo_image *image, const char *path, const char *name,
                                double value)
{
    const flo_hdf5_use use = flo_hdf5_begin();
    const flo_status status =
        set_attribute(image, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
    flo_hdf5_end(use);
    return status;
}

flo_status flo_image_set_text(flo_image *image, const char *path, const char *name,
                              const char *value)
{
    if (strlen(value) > FLO_IMAGE_TEXT_BYTES)
        return flo_fail(image->context, FLO_ERROR_INTERNAL,
                        "%s: the attribute %s has %zu bytes, more than an HDF5 object "
                        "header takes (%d); long texts go through flo_image_add_text",
                        path, name, strlen(value), (int)FLO_IMAGE_TEXT_BYTES);
    const flo_hdf5_use use = flo_hdf5_begin();
    const hid_t type = text_type(value);
    const flo_status status = set_attribute(image, path, name, type, type, value);
    H5Tclose(type);
    flo_hdf5_end(use);
    return status;
}

/* The size of the file once all of it is in its memory; at most 0: failed. */
static ssize_t flushed_size(const flo_image *image)
{
    const flo_hdf5_use use = flo_hdf5_begin();
    const ssize_t size = H5Fflush(image->file, H5F_SCOPE_GLOBAL) >= 0
                             ? H5Fget_file_image(image->file, NULL, 0)
                             : -1;
    flo_hdf5_end(use);
    return size;
}

flo_status flo_image_finish(flo_image **image, size_t spare, void **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    const ssize_t length = flushed_size(*image);
    const bool closed = close_file(*image);
    flo_status status = FLO_OK;
    if (length <= 0 || !closed)
        status = fail(*image, "HDF5 could not finish its file in memory (H5Fflush, "
                              "H5Fclose)");
    else
        status =
            flo_resize((*image)->context, (size_t)length + spare, &(*image)->written);
    if (status == FLO_OK) {
        *bytes = (*image)->written;
        *size = (size_t)length;
        (*image)->written = NULL;
    }
    if (closed)
        free_image(image);
    *image = NULL;
    return status;
}

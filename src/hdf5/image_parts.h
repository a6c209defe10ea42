/* What the two halves of an image share, private to them: image.c writes,
   image_read.c reads. */
#ifndef FLO_HDF5_IMAGE_PARTS_H
#define FLO_HDF5_IMAGE_PARTS_H

#include "hdf5/image.h"

#include <hdf5.h>

struct flo_image {
    flo_context *context; /* borrowed */
    hid_t file;           /* -1: none */
    char *name;           /* of the file in messages; "" while it is written */
    const void *bytes;    /* [size], borrowed; NULL while it is written */
    size_t size;
    void *written; /* HDF5's memory of a file that is written, the context's */
    size_t wanted; /* bytes of it that could not be had; else 0 */
};

/* HDF5's name of an element in memory; not to be closed. Local. */
hid_t flo_image_memory_type(flo_element element);

/* A new image object without a file. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_image_allocate(flo_context *context, const char *name,
                                           flo_image **image);

/* Has the core driver of an access list ask these for its memory, with the image as
   their last argument, and free nothing; false: HDF5 has no memory for that. Local. */
bool flo_image_lends(hid_t access, H5FD_file_image_callbacks_t functions,
                     flo_image *image);

/* The name that HDF5 knows the image by, into text [size]. HDF5 takes two in-memory
   files of one name for the same file, so it must differ between all images alive: the
   object's address does. Local. */
void flo_image_handle(const flo_image *image, char *text, size_t size);

#endif

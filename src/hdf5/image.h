/* An HDF5 file as bytes in memory: named arrays and attributes, written and read. */
#ifndef FLO_HDF5_IMAGE_H
#define FLO_HDF5_IMAGE_H

#include "core/context.h"

#include <stdbool.h>

/* The types that an array or attribute can have. */
typedef enum flo_element {
    FLO_ELEMENT_FLOAT,
    FLO_ELEMENT_DOUBLE,
    FLO_ELEMENT_INT32,
    FLO_ELEMENT_INT64
} flo_element;

#ifdef FLOTILLA_DOUBLE
#define FLO_ELEMENT_REAL FLO_ELEMENT_DOUBLE
#else
#define FLO_ELEMENT_REAL FLO_ELEMENT_FLOAT
#endif

typedef struct flo_image flo_image;

/* Starts an empty image (HDF5's core driver, no file). The same calls give the same
   bytes: no times are stored. Local. FLO_ERROR_MEMORY, FLO_ERROR_INTERNAL. */
FLO_MUST_USE flo_status flo_image_create(flo_context *context, flo_image **image);

/* Adds an array under a path like "parameters/03_affine_coupling/weight"; missing
   groups are made. values [shape[0], .., shape[rank-1]] are copied; rank 0 is a scalar,
   8 the most. Local. FLO_ERROR_INTERNAL (the path is taken), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_image_add(flo_image *image, const char *path,
                                      flo_element element, int rank,
                                      const int64_t *shape, const void *values);

/* Adds a text of any length as a scalar array of one string (fixed length, UTF-8):
   configs, reports. Local. */
FLO_MUST_USE flo_status flo_image_add_text(flo_image *image, const char *path,
                                           const char *text);

/* The longest text attribute: HDF5 keeps attributes in object headers of 64 kB. */
enum { FLO_IMAGE_TEXT_BYTES = 60000 };

/* Adds an attribute to the root (path "/") or to a group or array that exists; a name
   is given once. A text has at most FLO_IMAGE_TEXT_BYTES (else flo_image_add_text).
   Local. FLO_ERROR_INTERNAL, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_image_set_integer(flo_image *image, const char *path,
                                              const char *name, int64_t value);
FLO_MUST_USE flo_status flo_image_set_double(flo_image *image, const char *path,
                                             const char *name, double value);
FLO_MUST_USE flo_status flo_image_set_text(flo_image *image, const char *path,
                                           const char *name, const char *value);

/* Adds an attribute of texts [count], as h5py writes a list of them: names of columns.
   False, and nothing is added, where an object header has no room for so many (about
   4,000). Local. */
bool flo_image_set_texts(flo_image *image, const char *path, const char *name,
                         int64_t count, const char *const *texts);

/* The finished file: bytes [*size], owned by the caller (flo_free), with `spare` bytes
   more allocated behind them. The image is destroyed, also on failure. Local. */
FLO_MUST_USE flo_status flo_image_finish(flo_image **image, size_t spare, void **bytes,
                                         size_t *size);
void flo_image_destroy(flo_image **image);

/* Opens bytes [size] for reading; `name` names the file in messages. The bytes are
   borrowed and must outlive the image. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_image_open(flo_context *context, const char *name,
                                       const void *bytes, size_t size,
                                       flo_image **image);

/* Whether an array or group of this path is there. Local. */
bool flo_image_has(flo_image *image, const char *path);

/* Shape of an array: *rank (at most 8) and shape [8]. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_image_shape(flo_image *image, const char *path, int *rank,
                                        int64_t *shape);

/* Reads a whole array that must have exactly `count` elements. The stored type is
   converted: any number to float or double; to integers, only integers that are no
   wider. Local. FLO_ERROR_FILE naming file, path, found and wanted. */
FLO_MUST_USE flo_status flo_image_read(flo_image *image, const char *path,
                                       flo_element element, int64_t count,
                                       void *values);

/* The text of flo_image_add_text, owned by the caller (flo_free). Local.
   FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_image_read_text(flo_image *image, const char *path,
                                            char **text);

/* Reads an attribute; text is owned by the caller (flo_free). Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_image_get_integer(flo_image *image, const char *path,
                                              const char *name, int64_t *value);
FLO_MUST_USE flo_status flo_image_get_double(flo_image *image, const char *path,
                                             const char *name, double *value);
FLO_MUST_USE flo_status flo_image_get_text(flo_image *image, const char *path,
                                           const char *name, char **value);

#endif

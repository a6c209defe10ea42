/* What a model is in a file: config, constants, parameters by name.

   Root attributes: format "flotilla model", format_version, flotilla_version, real
   (float or double), features, context_features, direction. Arrays: config (text),
   schema (text, schema/schema.h; not of a model without data, nor of old files),
   parameters/LAYER/TENSOR, average/LAYER/TENSOR (where the run averages),
   constants/LAYER/TENSOR (in double). Where columns are shifted before the flow sees
   them (shift.h) also origin and scale [features + context_features] (in double: rows
   hold (number - origin) / scale), and format_version is 2, so that a program that does
   not know of them refuses the model. */
#ifndef FLO_FLOW_MODEL_FILE_H
#define FLO_FLOW_MODEL_FILE_H

#include "flow/flow.h"
#include "hdf5/image.h"

enum { FLO_MODEL_FORMAT_VERSION = 1, FLO_MODEL_FORMAT_SHIFTED = 2 };

/* Adds a model to an image. average may be NULL. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_model_add(flo_image *image, const flo_flow *flow,
                                      const char *config, const flo_real *theta,
                                      const flo_real *average);

/* The config stored in an image, as text (in the arena) and tree; the tree also has
   what earlier versions left unsaid. Local.
   FLO_ERROR_FILE (not a model, another format version), FLO_ERROR_CONFIG. */
FLO_MUST_USE flo_status flo_model_config(flo_arena *arena, flo_image *image,
                                         const char *file, char **text,
                                         flo_node **root);

/* The flow stored in an image, with its constants, and its parameters [P]: the average
   where there is one (use_average), else theta. All in the arena. A tensor of another
   shape is refused. Local. FLO_ERROR_FILE, FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_model_read(flo_arena *arena, flo_image *image,
                                       const char *file, bool use_average,
                                       flo_flow **flow, flo_real **theta);

/* The schema stored in an image, in the arena; NULL: it has none. Local.
   FLO_ERROR_FILE, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_model_schema(flo_arena *arena, flo_image *image,
                                         const char *file, flo_schema **schema);

/* Reads the constants of a flow that was built already, and prepares it; then a vector
   of tensors under `group` ("parameters", "average"). Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_model_read_constants(flo_image *image, flo_flow *flow);

/* Reads the constants of a flow that is about to be fitted: the layers have those of
   the file for good (layer->given), but for kinds that are fitted to data where `keep`
   is false, which have them until they are fitted. Local. FLO_ERROR_FILE. */
FLO_MUST_USE flo_status flo_model_give_constants(flo_image *image, bool keep,
                                                 flo_flow *flow);
FLO_MUST_USE flo_status flo_model_read_vector(flo_image *image, const flo_flow *flow,
                                              const char *group, flo_real *vector);

#endif

/* A model written to an HDF5 image and read from one. */
#include "flow/model_file.h"

#include "core/version.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 512 };

static flo_status add_vector(flo_image *image, const char *group,
                             const flo_layout *layout, flo_element element, size_t size,
                             const void *vector)
{
    for (int64_t i = 0; i < layout->count; i++) {
        const flo_tensor *const t = &layout->tensors[i];
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", group, t->name);
        FLO_TRY(flo_image_add(image, path, element, t->rank, t->shape,
                              (const char *)vector + (size_t)t->offset * size));
    }
    return FLO_OK;
}

static flo_status read_vector(flo_context *context, flo_image *image, const char *group,
                              const flo_layout *layout, flo_element element,
                              size_t size, void *vector)
{
    for (int64_t i = 0; i < layout->count; i++) {
        const flo_tensor *const t = &layout->tensors[i];
        char path[PATH_BYTES];
        int rank;
        int64_t shape[8];
        snprintf(path, sizeof path, "%s/%s", group, t->name);
        FLO_TRY(flo_image_shape(image, path, &rank, shape));
        if (rank != t->rank || shape[0] != t->shape[0] ||
            (rank == 2 && shape[1] != t->shape[1]))
            return flo_fail(context, FLO_ERROR_FILE,
                            "%s: found rank %d and %lld rows, wanted rank %d and %lld: "
                            "the model in the file is another one than its config says",
                            path, rank, (long long)shape[0], t->rank,
                            (long long)t->shape[0]);
        FLO_TRY(flo_image_read(image, path, element, t->count,
                               (char *)vector + (size_t)t->offset * size));
    }
    return FLO_OK;
}

flo_status flo_model_add(flo_image *image, const flo_flow *flow, const char *config,
                         const flo_real *theta, const flo_real *average)
{
    FLO_TRY(flo_image_set_text(image, "/", "format", "flotilla model"));
    FLO_TRY(
        flo_image_set_integer(image, "/", "format_version", FLO_MODEL_FORMAT_VERSION));
    FLO_TRY(flo_image_set_text(image, "/", "flotilla_version", FLO_VERSION));
    FLO_TRY(flo_image_set_text(image, "/", "real", FLO_REAL_NAME));
    FLO_TRY(flo_image_set_integer(image, "/", "features", flow->features));
    FLO_TRY(flo_image_set_integer(image, "/", "context_features", flow->context));
    FLO_TRY(flo_image_set_integer(image, "/", "seed", (int64_t)flow->seed));
    FLO_TRY(flo_image_set_text(image, "/", "direction",
                               flow->direction == FLO_DIRECTION_DENSITY ? "density"
                                                                        : "sampling"));
    FLO_TRY(flo_image_add_text(image, "config", config));
    FLO_TRY(add_vector(image, "constants", &flow->constants, FLO_ELEMENT_DOUBLE,
                       sizeof(double), flow->constant));
    FLO_TRY(add_vector(image, "parameters", &flow->parameters, FLO_ELEMENT_REAL,
                       sizeof(flo_real), theta));
    if (!average)
        return FLO_OK;
    return add_vector(image, "average", &flow->parameters, FLO_ELEMENT_REAL,
                      sizeof(flo_real), average);
}

static flo_status check_format(flo_context *context, flo_image *image, const char *file)
{
    char *format = NULL;
    const flo_status status = flo_image_get_text(image, "/", "format", &format);
    const bool known = status == FLO_OK && strcmp(format, "flotilla model") == 0;
    flo_free(context, &format);
    if (status == FLO_ERROR_MEMORY)
        return status;
    if (!known)
        return flo_fail(
            context, FLO_ERROR_FILE,
            "%s: found no flotilla model in it, wanted a checkpoint or a run "
            "directory",
            file);
    int64_t version;
    FLO_TRY(flo_image_get_integer(image, "/", "format_version", &version));
    if (version != FLO_MODEL_FORMAT_VERSION)
        return flo_fail(
            context, FLO_ERROR_FILE,
            "%s: found model format %lld, wanted %d: read it with the version "
            "of flotilla that wrote it",
            file, (long long)version, FLO_MODEL_FORMAT_VERSION);
    return FLO_OK;
}

/* A model from before the context had steps of its own has none, and one from before
   angles could be declared declares none. */
static flo_status complete(flo_arena *arena, flo_image *image, flo_node *root)
{
    int64_t context;
    flo_node *const data =
        root->kind == FLO_NODE_MAP ? flo_node_find(root, "data") : NULL;
    if (data && data->kind == FLO_NODE_MAP && !flo_node_find(data, "period"))
        FLO_TRY(flo_node_set(arena, data, "period", "null", root->file));
    FLO_TRY(flo_image_get_integer(image, "/", "context_features", &context));
    if (!context || root->kind != FLO_NODE_MAP ||
        flo_node_find(root, "preprocess_context"))
        return FLO_OK;
    return flo_node_set(arena, root, "preprocess_context", "[]", root->file);
}

flo_status flo_model_config(flo_arena *arena, flo_image *image, const char *file,
                            char **text, flo_node **root)
{
    flo_context *const context = flo_arena_context(arena);
    FLO_TRY(check_format(context, image, file));
    char *stored;
    FLO_TRY(flo_image_read_text(image, "config", &stored));
    const flo_status status = flo_arena_string(arena, stored, text);
    flo_free(context, &stored);
    FLO_TRY(status);
    char *name;
    FLO_TRY(flo_arena_print(arena, &name, "%s:config", file));
    FLO_TRY(flo_yaml_parse(arena, name, *text, strlen(*text), root));
    return complete(arena, image, *root);
}

flo_status flo_model_read_constants(flo_image *image, flo_flow *flow)
{
    FLO_TRY(read_vector(flo_arena_context(flow->arena), image, "constants",
                        &flow->constants, FLO_ELEMENT_DOUBLE, sizeof(double),
                        flow->constant));
    return flo_flow_prepare(flow);
}

flo_status flo_model_read_vector(flo_image *image, const flo_flow *flow,
                                 const char *group, flo_real *vector)
{
    return read_vector(flo_arena_context(flow->arena), image, group, &flow->parameters,
                       FLO_ELEMENT_REAL, sizeof(flo_real), vector);
}

flo_status flo_model_read(flo_arena *arena, flo_image *image, const char *file,
                          bool use_average, flo_flow **flow, flo_real **theta)
{
    char *text;
    flo_node *root;
    int64_t features, context, seed;
    FLO_TRY(flo_model_config(arena, image, file, &text, &root));
    FLO_TRY(flo_image_get_integer(image, "/", "features", &features));
    FLO_TRY(flo_image_get_integer(image, "/", "context_features", &context));
    FLO_TRY(flo_image_get_integer(image, "/", "seed", &seed));
    FLO_TRY(flo_flow_create(arena, root, features, context, (uint64_t)seed, flow));
    FLO_TRY(flo_model_read_constants(image, *flow));
    FLO_TRY(flo_arena_take(arena, (*flow)->parameters.size, sizeof **theta, theta));
    const bool average = use_average && flo_image_has(image, "average");
    return flo_model_read_vector(image, *flow, average ? "average" : "parameters",
                                 *theta);
}

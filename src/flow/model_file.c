/* A model written to an HDF5 image and read from one. */
#include "flow/model_file.h"

#include "core/version.h"
#include "flow/shift.h"

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

static flo_status add_schema(flo_image *image, const flo_flow *flow)
{
    flo_arena *arena;
    char *text;
    if (!flow->schema)
        return FLO_OK;
    FLO_TRY(flo_arena_create(flo_arena_context(flow->arena), &arena));
    flo_status status = flo_schema_print(arena, flow->schema, 0, &text);
    if (status == FLO_OK)
        status = flo_image_add_text(image, "schema", text);
    flo_arena_destroy(&arena);
    return status;
}

flo_status flo_model_schema(flo_arena *arena, flo_image *image, const char *file,
                            flo_schema **schema)
{
    char *text, *name;
    *schema = NULL;
    if (!flo_image_has(image, "schema"))
        return FLO_OK;
    FLO_TRY(flo_arena_print(arena, &name, "%s:schema", file));
    FLO_TRY(flo_image_read_text(image, "schema", &text));
    const flo_status status = flo_schema_read(arena, name, text, schema);
    flo_free(flo_arena_context(arena), &text);
    return status;
}

/* A model from before there were schemas has none; one of another shape than the flow
   is damaged. */
static flo_status read_schema(flo_image *image, const char *file, flo_flow *flow)
{
    flo_schema *schema;
    FLO_TRY(flo_model_schema(flow->arena, image, file, &schema));
    flow->schema = schema;
    if (!schema)
        return FLO_OK;
    if (schema->features.count == flow->features &&
        schema->context.count == flow->context)
        return FLO_OK;
    return flo_fail(flo_arena_context(flow->arena), FLO_ERROR_FILE,
                    "%s:schema: found %lld columns and %lld of context, wanted the "
                    "model's %lld and %lld: the file is damaged",
                    file, (long long)schema->features.count,
                    (long long)schema->context.count, (long long)flow->features,
                    (long long)flow->context);
}

static flo_status add_shift(flo_image *image, const flo_flow *flow)
{
    const int64_t columns = flow->features + flow->context;
    flo_context *const context = flo_arena_context(flow->arena);
    double *scale;
    if (!flow->origin)
        return FLO_OK;
    FLO_TRY(flo_allocate(context, columns, sizeof *scale, &scale));
    for (int64_t j = 0; j < columns; j++)
        scale[j] = 1 / flow->factor[j];
    flo_status status =
        flo_image_add(image, "origin", FLO_ELEMENT_DOUBLE, 1, &columns, flow->origin);
    if (status == FLO_OK)
        status = flo_image_add(image, "scale", FLO_ELEMENT_DOUBLE, 1, &columns, scale);
    flo_free(context, &scale);
    return status;
}

/* Read before constants are, which are of what is left. */
static flo_status read_shift(flo_image *image, flo_flow *flow)
{
    const int64_t columns = flow->features + flow->context;
    flo_context *const context = flo_arena_context(flow->arena);
    double *shift;
    if (!flo_image_has(image, "origin"))
        return FLO_OK;
    FLO_TRY(flo_allocate(context, 2 * columns, sizeof *shift, &shift));
    flo_status status =
        flo_image_read(image, "origin", FLO_ELEMENT_DOUBLE, columns, shift);
    if (status == FLO_OK)
        status = flo_image_read(image, "scale", FLO_ELEMENT_DOUBLE, columns,
                                shift + columns);
    for (int64_t j = columns; j < 2 * columns; j++)
        shift[j] = 1 / shift[j];
    if (status == FLO_OK)
        status = flo_flow_shift(flow, shift, shift + columns);
    flo_free(context, &shift);
    return status;
}

flo_status flo_model_add(flo_image *image, const flo_flow *flow, const char *config,
                         const flo_real *theta, const flo_real *average)
{
    FLO_TRY(flo_image_set_text(image, "/", "format", "flotilla model"));
    FLO_TRY(flo_image_set_integer(image, "/", "format_version",
                                  flow->origin ? FLO_MODEL_FORMAT_SHIFTED
                                               : FLO_MODEL_FORMAT_VERSION));
    FLO_TRY(flo_image_set_text(image, "/", "flotilla_version", FLO_VERSION));
    FLO_TRY(flo_image_set_text(image, "/", "real", FLO_REAL_NAME));
    FLO_TRY(flo_image_set_integer(image, "/", "features", flow->features));
    FLO_TRY(flo_image_set_integer(image, "/", "context_features", flow->context));
    FLO_TRY(flo_image_set_integer(image, "/", "seed", (int64_t)flow->seed));
    FLO_TRY(flo_image_set_text(image, "/", "direction",
                               flow->direction == FLO_DIRECTION_DENSITY ? "density"
                                                                        : "sampling"));
    FLO_TRY(flo_image_add_text(image, "config", config));
    FLO_TRY(add_schema(image, flow));
    FLO_TRY(add_shift(image, flow));
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
    if (version != FLO_MODEL_FORMAT_VERSION && version != FLO_MODEL_FORMAT_SHIFTED)
        return flo_fail(
            context, FLO_ERROR_FILE,
            "%s: found model format %lld, wanted %d or %d: read it with the version "
            "of flotilla that wrote it",
            file, (long long)version, FLO_MODEL_FORMAT_VERSION,
            FLO_MODEL_FORMAT_SHIFTED);
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

static flo_status read_constants(flo_image *image, flo_flow *flow)
{
    return read_vector(flo_arena_context(flow->arena), image, "constants",
                       &flow->constants, FLO_ELEMENT_DOUBLE, sizeof(double),
                       flow->constant);
}

flo_status flo_model_read_constants(flo_image *image, flo_flow *flow)
{
    FLO_TRY(read_shift(image, flow));
    FLO_TRY(read_constants(image, flow));
    return flo_flow_prepare(flow);
}

static void give(int64_t layers, flo_layer *layer, bool keep)
{
    for (int64_t k = 0; k < layers; k++)
        layer[k].given = keep || !layer[k].bijection->kind->fitted;
}

flo_status flo_model_give_constants(flo_image *image, bool keep, flo_flow *flow)
{
    if (keep)
        FLO_TRY(read_shift(image, flow));
    FLO_TRY(read_constants(image, flow));
    give(flow->layers, flow->layer, keep);
    give(flow->context_layers, flow->context_layer, keep);
    return FLO_OK;
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
    FLO_TRY(read_schema(image, file, *flow));
    FLO_TRY(flo_model_read_constants(image, *flow));
    FLO_TRY(flo_arena_take(arena, (*flow)->parameters.size, sizeof **theta, theta));
    const bool average = use_average && flo_image_has(image, "average");
    return flo_model_read_vector(image, *flow, average ? "average" : "parameters",
                                 *theta);
}

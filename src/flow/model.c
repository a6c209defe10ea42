/* The public face of a trained flow. */
#include "flotilla/model.h"

#include "flow/model_file.h"
#include "flow/tiles.h"
#include "hdf5/sealed_file.h"
#include "linalg/products.h"

struct flo_model {
    flo_context *context; /* borrowed */
    flo_arena *arena;
    flo_flow *flow;
    flo_real *theta;
    flo_tiles *tiles;
};

static flo_status read_image(flo_model *m, const char *path, const void *bytes,
                             size_t size)
{
    flo_image *image;
    FLO_TRY(flo_image_open(m->context, path, bytes, size, &image));
    const flo_status status =
        flo_model_read(m->arena, image, path, true, &m->flow, &m->theta);
    flo_image_destroy(&image);
    return status;
}

static flo_status fill(flo_model *m, const char *path, int threads)
{
    void *bytes;
    size_t size;
    FLO_TRY(flo_arena_create(m->context, &m->arena));
    FLO_TRY(flo_sealed_read(m->context, path, &bytes, &size));
    const flo_status status = read_image(m, path, bytes, size);
    flo_free(m->context, &bytes);
    FLO_TRY(status);
    FLO_TRY(flo_tiles_create(m->arena, m->flow, threads > 0 ? threads : 1, &m->tiles));
    flo_model_set_draws(m, 0);
    return FLO_OK;
}

flo_status flo_model_open(flo_context *context, const char *path, int threads,
                          flo_model **model)
{
    flo_blas_start();
    FLO_TRY(flo_allocate(context, 1, sizeof **model, model));
    (*model)->context = context;
    const flo_status status = fill(*model, path, threads);
    if (status != FLO_OK)
        flo_model_close(model);
    return status;
}

void flo_model_close(flo_model **model)
{
    if (!*model)
        return;
    flo_context *const context = (*model)->context;
    flo_arena_destroy(&(*model)->arena);
    flo_free(context, model);
}

int64_t flo_model_features(const flo_model *model)
{
    return model->flow->features;
}

int64_t flo_model_context_features(const flo_model *model)
{
    return model->flow->context;
}

int64_t flo_model_parameters(const flo_model *model)
{
    return model->flow->parameters.size;
}

void flo_model_set_draws(flo_model *model, int64_t draws)
{
    flo_tiles_score(model->tiles, draws > 0 ? draws : FLO_AUTO);
}

void flo_model_log_prob(flo_model *model, int64_t first, int64_t rows,
                        const flo_real *x, const flo_real *context, double *log_prob)
{
    (void)first; /* a score does not depend on it */
    flo_tiles_log_prob(model->tiles, model->theta, 0, rows, x, context, log_prob, NULL);
}

void flo_model_sample(flo_model *model, uint64_t seed, int64_t first, int64_t count,
                      double temperature, const flo_real *context, flo_real *x)
{
    flo_tiles_sample(model->tiles, model->theta, seed, first, count, temperature,
                     context, x);
}

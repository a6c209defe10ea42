/* The public face of a trained flow. */
#include "flotilla/model.h"

#include "core/integers.h"
#include "flow/model_file.h"
#include "flow/shift.h"
#include "flow/tiles.h"
#include "hdf5/sealed_file.h"
#include "linalg/products.h"

struct flo_model {
    flo_context *context; /* borrowed */
    flo_arena *arena;
    flo_flow *flow;
    flo_real *theta;
    flo_tiles *tiles;
    int64_t piece;       /* rows that are turned to what the flow takes at a time */
    flo_real *x, *given; /* [piece, D], [piece, C] */
    double *wide;        /* [piece, most of D and C] */
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
    const int64_t D = m->flow->features, C = m->flow->context;
    const int thread_count = threads > 0 ? threads : 1;
    m->piece = (int64_t)thread_count * FLO_TILE_ROWS;
    FLO_TRY(flo_arena_take(m->arena, m->piece * D, sizeof *m->x, &m->x));
    FLO_TRY(flo_arena_take(m->arena, m->piece * C, sizeof *m->given, &m->given));
    FLO_TRY(flo_arena_take(m->arena, m->piece * flo_greater(D, C), sizeof *m->wide,
                           &m->wide));
    FLO_TRY(flo_tiles_create(m->arena, m->flow, thread_count, &m->tiles));
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

static void widen(int64_t n, const flo_real *from, double *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

/* Numbers [rows, n] of columns `first` on of the D + C to what the flow takes. */
static void narrow(const flo_model *m, int64_t rows, int64_t first, int64_t n,
                   const double *number, flo_real *y)
{
    if (m->flow->origin)
        flo_flow_shift_rows(m->flow, rows, first, n, number, y);
    else
        for (int64_t i = 0; i < rows * n; i++)
            y[i] = (flo_real)number[i];
}

/* The numbers of rows i .. of a call, given as flo_real or as double. */
static const flo_real *take(flo_model *m, int64_t i, int64_t rows, int64_t first,
                            int64_t n, const flo_real *real, const double *wide,
                            flo_real *y)
{
    if (real)
        widen(rows * n, real + i * n, m->wide);
    if (n)
        narrow(m, rows, first, n, real ? m->wide : wide + i * n, y);
    return y;
}

/* Rows by pieces of whole tiles: a row's bits do not depend on where calls are cut. */
static void log_prob(flo_model *m, int64_t rows, const flo_real *x,
                     const double *wide_x, const flo_real *context,
                     const double *wide_context, double *log_prob)
{
    const int64_t D = m->flow->features, C = m->flow->context;
    for (int64_t i = 0, n; i < rows; i += n) {
        n = flo_lesser(m->piece, rows - i);
        take(m, i, n, 0, D, x, wide_x, m->x);
        take(m, i, n, D, C, context, wide_context, m->given);
        flo_tiles_log_prob(m->tiles, m->theta, 0, n, m->x, m->given, log_prob + i,
                           NULL);
    }
}

void flo_model_log_prob(flo_model *model, int64_t first, int64_t rows,
                        const flo_real *x, const flo_real *context, double *result)
{
    (void)first; /* a score does not depend on it */
    if (model->flow->origin)
        log_prob(model, rows, x, NULL, context, NULL, result);
    else
        flo_tiles_log_prob(model->tiles, model->theta, 0, rows, x, context, result,
                           NULL);
}

void flo_model_log_prob_double(flo_model *model, int64_t first, int64_t rows,
                               const double *x, const double *context, double *result)
{
    (void)first;
    log_prob(model, rows, NULL, x, NULL, context, result);
}

/* Into x, or where that is NULL into wide_x. */
static void sample(flo_model *m, uint64_t seed, int64_t first, int64_t count,
                   double temperature, const flo_real *context,
                   const double *wide_context, flo_real *x, double *wide_x)
{
    const int64_t D = m->flow->features, C = m->flow->context;
    for (int64_t i = 0, n; i < count; i += n) {
        n = flo_lesser(m->piece, count - i);
        take(m, i, n, D, C, context, wide_context, m->given);
        flo_tiles_sample(m->tiles, m->theta, seed, first + i, n, temperature, m->given,
                         m->x);
        if (m->flow->origin)
            flo_flow_unshift(m->flow, n, 0, D, m->x, m->wide);
        else
            widen(n * D, m->x, m->wide);
        for (int64_t k = 0; k < n * D; k++)
            if (x)
                x[i * D + k] = (flo_real)m->wide[k];
            else
                wide_x[i * D + k] = m->wide[k];
    }
}

void flo_model_sample(flo_model *model, uint64_t seed, int64_t first, int64_t count,
                      double temperature, const flo_real *context, flo_real *x)
{
    if (model->flow->origin)
        sample(model, seed, first, count, temperature, context, NULL, x, NULL);
    else
        flo_tiles_sample(model->tiles, model->theta, seed, first, count, temperature,
                         context, x);
}

void flo_model_sample_double(flo_model *model, uint64_t seed, int64_t first,
                             int64_t count, double temperature, const double *context,
                             double *x)
{
    sample(model, seed, first, count, temperature, NULL, context, NULL, x);
}

/* For tests of bijections: one layer made from YAML with all that its kernels are
   handed, in buffers that show a write beyond their end. */
#ifndef FLO_TESTS_BIJECTIONS_LAYER_H
#define FLO_TESTS_BIJECTIONS_LAYER_H

#include "bijections/bijection.h"

#include "config/fixture.h"
#include "nn/parameters.h"

enum { LAYER_GUARD = 32 };

typedef struct layer {
    flo_bijection *b;
    flo_place place;
    int64_t B, D, C, P;
    double *constants;
    flo_pass pass;
    flo_real *theta, *x, *z, *context, *noise; /* what a pass reads and writes */
    flo_real *whole; /* [B, D], of a layer that dithers: x without what is noise */
    flo_real *dz, *dx, *dcontext, *dtheta;
    double *logdet, *dlogdet;
    flo_real *guards[2]; /* behind cache and scratch */
} layer;

/* Takes count elements and LAYER_GUARD more, all NaN: nothing may count on zeros. */
static inline flo_real *layer_reals(fixture *f, int64_t count)
{
    flo_real *memory;
    assert_int_equal(
        flo_arena_take(f->arena, count + LAYER_GUARD, sizeof *memory, &memory), FLO_OK);
    fill_reals(count + LAYER_GUARD, (double)NAN, memory);
    return memory;
}

static inline double *layer_doubles(fixture *f, int64_t count)
{
    double *memory;
    assert_int_equal(flo_arena_take(f->arena, count, sizeof *memory, &memory), FLO_OK);
    return memory;
}

/* Uneven moments, so that a swapped column shows; whole numbers at the ends. */
static inline flo_moments layer_moments(fixture *f, int64_t D)
{
    double *const mean = layer_doubles(f, D), *const deviation = layer_doubles(f, D);
    double *const low = layer_doubles(f, D), *const high = layer_doubles(f, D);
    for (int64_t j = 0; j < D; j++) {
        mean[j] = 0.5 * (double)(j % 5) - 1;
        deviation[j] = 0.5 + 0.25 * (double)(j % 7);
        low[j] = (double)(j % 5) - 3;
        high[j] = low[j] + 2 + (double)(j % 7);
    }
    double *const whitening = layer_doubles(f, D * D);
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j <= i; j++)
            whitening[i * D + j] =
                i == j ? 1 + 0.1 * (double)(i % 3) : 0.3 / (double)(1 + 2 * (i - j));
    return (flo_moments){.mean = mean,
                         .deviation = deviation,
                         .low = low,
                         .high = high,
                         .whitening = whitening,
                         .whitening_row = D};
}

/* Where the numbers of column j of a layer's domain lie, their ends excluded; whole
   numbers with their noise on them, from the first to behind the last. */
static inline void layer_ends(const layer *l, int64_t j, double *low, double *high)
{
    const flo_range range = flo_bijection_takes(l->b, j);
    const int64_t n = l->b->constants.size / 2;
    int64_t k = 0; /* of the columns that the layer does not pass */
    for (int64_t i = 0; i < j; i++)
        k += !(l->b->passes && l->b->passes[i]);
    *low = range == FLO_POSITIVE || range == FLO_UNIT_INTERVAL ? 0 : -INFINITY;
    *high = range == FLO_UNIT_INTERVAL ? 1 : INFINITY;
    if (range != FLO_INTERVAL && range != FLO_WHOLE_NUMBERS)
        return;
    *low = l->constants[k];
    *high = l->constants[n + k] + (range == FLO_WHOLE_NUMBERS ? *low : 0);
}

/* The number of a domain that a number of the whole line stands for; not close to its
   ends, where steps of finite differences are wide. */
static inline flo_real layer_into_domain(const layer *l, int64_t j, flo_real x)
{
    double low, high;
    const double power = exp(0.5 * (double)x);
    layer_ends(l, j, &low, &high);
    if (isinf(low))
        return x;
    return (flo_real)(isinf(high) ? power : low + (high - low) * power / (1 + power));
}

static inline void layer_draw_rows(layer *l)
{
    draw_normals(1, 1, l->B * l->D, l->x);
    for (int64_t i = 0; i < l->B * l->D; i++)
        l->x[i] = layer_into_domain(l, i % l->D, l->x[i]);
    draw_normals(2, 1, l->B * l->C, l->context);
    draw_normals(3, 1, l->B * l->D, l->dz);
    draw_doubles(4, l->B, l->dlogdet);
    const flo_random_key key = {5, FLO_RANDOM_DROPOUT, 0, 0};
    flo_random_uniform(key, 0, l->B * l->b->noise, l->noise);
}

/* Everything that a pass of B rows takes; the layer is created, fitted and prepared. */
static inline void layer_take(fixture *f, int64_t B, layer *l)
{
    const flo_bijection *const b = l->b;
    const int64_t cache = B * b->cache, scratch = B * b->scratch + b->scratch_fixed;
    l->B = B;
    l->P = b->parameters.size;
    l->theta = layer_reals(f, l->P);
    l->dtheta = layer_reals(f, l->P);
    l->x = layer_reals(f, B * l->D);
    l->whole = layer_reals(f, B * l->D);
    l->z = layer_reals(f, B * l->D);
    l->dx = layer_reals(f, B * l->D);
    l->dz = layer_reals(f, B * l->D);
    l->context = layer_reals(f, B * l->C);
    l->dcontext = layer_reals(f, B * l->C);
    l->noise = layer_reals(f, B * b->noise);
    l->logdet = layer_doubles(f, B);
    l->dlogdet = layer_doubles(f, B);
    l->pass = (flo_pass){.rows = B,
                         .context = l->context,
                         .cache = layer_reals(f, cache),
                         .scratch = layer_reals(f, scratch),
                         .noise = l->noise,
                         .training = true};
    l->guards[0] = l->pass.cache + cache;
    l->guards[1] = l->pass.scratch + scratch;
    draw_parameters(&b->parameters, l->theta);
    layer_draw_rows(l);
}

/* Makes the layer that `yaml` describes, at this place. */
static inline void layer_create(fixture *f, const char *yaml, flo_place place,
                                int64_t B, int64_t D, int64_t C, layer *l)
{
    *l = (layer){.place = place, .D = D, .C = C};
    if (flo_bijection_create(f->arena, parse(f, yaml), D, C, &place, &l->b) != FLO_OK)
        fail_msg("%s: %s", yaml, flo_context_message(f->context));
    l->constants = layer_doubles(f, l->b->constants.size);
    const flo_moments moments = layer_moments(f, D);
    const flo_bijection_kind *const kind = l->b->kind;
    assert_int_equal(kind->fit(l->b, f->context, &place, &moments, l->constants),
                     FLO_OK);
    assert_int_equal(kind->prepare(l->b, f->context, l->constants), FLO_OK);
    layer_take(f, B, l);
}

/* What the kernels of a layer that dithers are fed: whole numbers, and as noise what x
   has beyond them. So x is x + u of the formulas, in which z is smooth. */
static inline void layer_split(layer *l)
{
    flo_real *noise = l->noise;
    for (int64_t i = 0; i < l->B * l->D; i++) {
        const bool passes = l->b->passes && l->b->passes[i % l->D];
        l->whole[i] = passes ? l->x[i] : (flo_real)floor((double)l->x[i]);
        if (!passes)
            *noise++ = l->x[i] - l->whole[i];
    }
}

/* What the inverse should give: x, or its whole numbers. */
static inline const flo_real *layer_origin(layer *l)
{
    if (l->b->dithers)
        layer_split(l);
    return l->b->dithers ? l->whole : l->x;
}

/* x to z, added to logdet. */
static inline void layer_add_forward(layer *l)
{
    const flo_real *const x = layer_origin(l);
    l->b->kind->forward(l->b, l->theta, &l->pass, x, l->z, l->logdet);
}

/* x to z; logdet starts at 0. */
static inline void layer_forward(layer *l)
{
    memset(l->logdet, 0, (size_t)l->B * sizeof *l->logdet);
    layer_add_forward(l);
}

/* z to x [B, D]; logdet goes on. */
static inline void layer_inverse(layer *l, flo_real *x)
{
    l->b->kind->inverse(l->b, l->theta, &l->pass, l->z, x, l->logdet);
}

/* After layer_forward: dx, and dtheta and dcontext added to what they hold. */
static inline void layer_backward(layer *l)
{
    l->b->kind->backward(l->b, l->theta, &l->pass, layer_origin(l), l->dz, l->dlogdet,
                         l->dx, l->dcontext, l->dtheta);
}

static inline void layer_zero_gradients(layer *l)
{
    fill_reals(l->B * l->C, 0, l->dcontext);
    fill_reals(l->P, 0, l->dtheta);
}

/* sum dz . z + sum dlogdet . logdet: its gradient is what backward gives. */
static inline double layer_loss(void *data)
{
    layer *const l = data;
    layer_forward(l);
    double sum = 0;
    for (int64_t i = 0; i < l->B * l->D; i++)
        sum += (double)l->dz[i] * (double)l->z[i];
    for (int64_t i = 0; i < l->B; i++)
        sum += l->dlogdet[i] * l->logdet[i];
    return sum;
}

static inline void layer_check_guards(const char *what, const layer *l)
{
    for (int g = 0; g < 2; g++)
        for (int64_t i = 0; i < LAYER_GUARD; i++)
            if (!isnan(l->guards[g][i]))
                fail_msg("%s: writes behind the %s that it declares", what,
                         g ? "scratch" : "cache");
}

/* log|det dz/dx| of each row by central differences, into found [B]. */
static inline void layer_numerical_logdet(fixture *f, layer *l, double *found)
{
    const int64_t D = l->D, B = l->B;
    double *const jacobian = layer_doubles(f, B * D * D);
    flo_real *const x = l->x;
    l->x = layer_reals(f, B * D);
    for (int64_t j = 0; j < D; j++)
        for (int side = 1; side >= -1; side -= 2) {
            memcpy(l->x, x, (size_t)(B * D) * sizeof *x);
            for (int64_t i = 0; i < B; i++)
                l->x[i * D + j] += (flo_real)(side * difference_step);
            layer_forward(l);
            for (int64_t i = 0; i < B * D; i++)
                jacobian[i * D + j] += side * (double)l->z[i];
        }
    l->x = x;
    for (int64_t i = 0; i < B; i++) {
        for (int64_t k = 0; k < D * D; k++) {
            const flo_real at = x[i * D + k % D];
            const flo_real above = at + (flo_real)difference_step;
            const flo_real below = at - (flo_real)difference_step;
            jacobian[i * D * D + k] /= (double)above - (double)below;
        }
        found[i] = log_determinant(D, jacobian + i * D * D, NULL);
    }
}

#endif

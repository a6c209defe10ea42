/* For tests of densities: one made from YAML with all that its kernels are handed, in
   buffers that show a write beyond their end. */
#ifndef FLO_TESTS_DENSITIES_RIG_H
#define FLO_TESTS_DENSITIES_RIG_H

#include "densities/density.h"

#include "bijections/layer.h"
#include "nn/parameters.h"

typedef struct rig {
    flo_density *d;
    int64_t B, D, C, P;
    flo_pass pass;
    flo_real *theta, *z, *context, *noise; /* what a pass reads */
    flo_real *normals, *uniforms;          /* what a sample reads */
    flo_real *dz, *dcontext, *dtheta;
    double *log_prob, *dlog_prob;
    flo_real *guards[2]; /* behind cache and scratch */
} rig;

static inline void rig_draw_rows(rig *r)
{
    const flo_random_key key = {5, FLO_RANDOM_SAMPLES, 0, 0};
    draw_normals(1, 1, r->B * r->D, r->z);
    draw_normals(2, 1, r->B * r->C, r->context);
    draw_normals(3, 1, r->B * r->d->normals, r->normals);
    draw_doubles(4, r->B, r->dlog_prob);
    flo_random_uniform(key, 0, r->B * r->d->uniforms, r->uniforms);
    if (r->noise)
        flo_random_uniform(key, 1000000, r->B * r->d->noise, r->noise);
}

/* Memory of a pass of B rows, all NaN at first. */
static inline void rig_take(fixture *f, int64_t B, rig *r)
{
    const flo_density *const d = r->d;
    const int64_t cache = B * d->cache, scratch = B * d->scratch + d->scratch_fixed;
    r->B = B;
    r->P = d->parameters.size;
    r->theta = layer_reals(f, r->P);
    r->dtheta = layer_reals(f, r->P);
    r->z = layer_reals(f, B * r->D);
    r->dz = layer_reals(f, B * r->D);
    r->context = layer_reals(f, B * r->C);
    r->dcontext = layer_reals(f, B * r->C);
    r->noise = layer_reals(f, B * d->noise);
    r->normals = layer_reals(f, B * d->normals);
    r->uniforms = layer_reals(f, B * d->uniforms);
    r->log_prob = layer_doubles(f, B);
    r->dlog_prob = layer_doubles(f, B);
    r->pass = (flo_pass){.rows = B,
                         .context = r->context,
                         .cache = layer_reals(f, cache),
                         .scratch = layer_reals(f, scratch),
                         .noise = r->noise,
                         .training = true};
    r->guards[0] = r->pass.cache + cache;
    r->guards[1] = r->pass.scratch + scratch;
    draw_parameters(&r->d->parameters, r->theta);
    rig_draw_rows(r);
}

static inline void rig_create(fixture *f, const char *yaml, int64_t B, int64_t D,
                              int64_t C, rig *r)
{
    *r = (rig){.D = D, .C = C};
    if (flo_density_create(f->arena, parse(f, yaml), D, C, &r->d) != FLO_OK)
        fail_msg("%s: %s", yaml, flo_context_message(f->context));
    rig_take(f, B, r);
}

/* Parameters as they start. */
static inline void rig_start(rig *r)
{
    const flo_random_key key = {11, FLO_RANDOM_PARAMETERS, 3, 0};
    r->d->kind->init(r->d, key, r->theta);
}

static inline void rig_log_prob(rig *r)
{
    memset(r->log_prob, 0, (size_t)r->B * sizeof *r->log_prob);
    r->d->kind->log_prob(r->d, r->theta, &r->pass, r->z, r->log_prob);
}

/* After rig_log_prob: dz, and dtheta and dcontext added to what they hold. */
static inline void rig_backward(rig *r)
{
    r->d->kind->backward(r->d, r->theta, &r->pass, r->z, r->dlog_prob, r->dz,
                         r->dcontext, r->dtheta);
}

static inline void rig_zero_gradients(rig *r)
{
    fill_reals(r->B * r->C, 0, r->dcontext);
    fill_reals(r->P, 0, r->dtheta);
}

/* Fills z, as a program that samples does: no dropout. */
static inline void rig_sample(rig *r, double temperature)
{
    flo_pass pass = r->pass;
    pass.training = false;
    pass.noise = NULL;
    r->d->kind->sample(r->d, r->theta, &pass, r->normals, r->uniforms, temperature,
                       r->z);
}

/* sum dlog_prob . log_prob: its gradient is what backward gives. */
static inline double rig_loss(void *data)
{
    rig *const r = data;
    rig_log_prob(r);
    double sum = 0;
    for (int64_t i = 0; i < r->B; i++)
        sum += r->dlog_prob[i] * r->log_prob[i];
    return sum;
}

static inline void rig_check_guards(const char *what, const rig *r)
{
    for (int g = 0; g < 2; g++)
        for (int64_t i = 0; i < LAYER_GUARD; i++)
            if (!isnan(r->guards[g][i]))
                fail_msg("%s: writes behind the %s that it declares", what,
                         g ? "scratch" : "cache");
}

#endif

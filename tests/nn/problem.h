/* For tests of masked networks: one network with all that its kernels are handed, in
   buffers that show a write beyond their end. */
#ifndef FLO_TESTS_NN_PROBLEM_H
#define FLO_TESTS_NN_PROBLEM_H

#include "nn/masked.h"

#include "config/fixture.h"
#include "nn/parameters.h"

enum { MASKED_GUARD = 16 };

/* How a network is set up; hidden[hidden_count] counts when width is 0. */
typedef struct masked_shape {
    const char *name;
    int64_t D, P, width, blocks, hidden_count;
    int64_t hidden[3];
} masked_shape;

typedef struct problem {
    const masked_shape *shape;
    flo_masked masked;
    flo_layout layout;
    flo_pass pass;
    int64_t B, D, C, P;
    flo_real *x, *context, *dout, *theta, *dtheta, *cache, *scratch, *noise;
} problem;

/* count reals and a guard, all NaN: nothing may count on zeros. */
static inline flo_real *problem_reals(fixture *f, int64_t count)
{
    flo_real *memory;
    assert_int_equal(
        flo_arena_take(f->arena, count + MASKED_GUARD, sizeof *memory, &memory),
        FLO_OK);
    fill_reals(count + MASKED_GUARD, (double)NAN, memory);
    return memory;
}

static inline void problem_take(fixture *f, problem *p)
{
    const flo_masked *const m = &p->masked;
    const int64_t B = p->B;
    p->theta = problem_reals(f, p->layout.size);
    p->dtheta = problem_reals(f, p->layout.size);
    p->cache = problem_reals(f, B * m->network.cache);
    p->scratch = problem_reals(f, B * m->scratch);
    p->noise = problem_reals(f, B * m->network.noise);
    p->x = problem_reals(f, B * p->D);
    p->context = problem_reals(f, B * p->C);
    p->dout = problem_reals(f, B * p->D * p->P);
    p->pass = (flo_pass){.rows = B,
                         .context = p->context,
                         .cache = p->cache,
                         .scratch = p->scratch,
                         .noise = p->noise,
                         .training = true};
}

static inline void problem_create(fixture *f, const masked_shape *s, int64_t B,
                                  int64_t C, int activation, double dropout, problem *p)
{
    const flo_network_settings settings = {.hidden = {s->hidden_count, s->hidden},
                                           .width = s->width,
                                           .blocks = s->blocks,
                                           .activation = activation,
                                           .dropout = dropout};
    *p = (problem){.shape = s, .B = B, .D = s->D, .C = C, .P = s->P};
    flo_layout_start(&p->layout, f->arena);
    assert_int_equal(flo_masked_configure(&p->masked, f->arena, parse(f, "{}"),
                                          &settings, s->D, NULL, C, s->P, &p->layout),
                     FLO_OK);
    problem_take(f, p);
    draw_parameters(&p->layout, p->theta);
    draw_normals(2, 1, B * p->D, p->x);
    draw_normals(3, 1, B * C, p->context);
    draw_normals(4, 1, B * p->D * p->P, p->dout);
    const flo_random_key key = {5, FLO_RANDOM_DROPOUT, 0, 0};
    flo_random_uniform(key, 0, B * p->masked.network.noise, p->noise);
}

/* out [D P, B] of x [B, D]. */
static inline void problem_forward(const problem *p, const flo_real *x, flo_real *out)
{
    flo_masked_forward(&p->masked, p->theta, &p->pass, x, out);
}

static inline void problem_check_guards(const problem *p)
{
    for (int64_t i = 0; i < MASKED_GUARD; i++) {
        assert_true(isnan(p->cache[p->B * p->masked.network.cache + i]));
        assert_true(isnan(p->scratch[p->B * p->masked.scratch + i]));
    }
}

/* An autoregressive map to solve, x_j = z_j + tanh of the mean of column j's outputs.
 */
typedef struct target {
    const problem *problem;
    const flo_real *z; /* [B, D] */
    int64_t columns;   /* seen so far, in order */
} target;

static inline void target_column(void *owner, int64_t j, int64_t B, const flo_real *out,
                                 flo_real *x)
{
    target *const t = owner;
    const int64_t D = t->problem->D, P = t->problem->P;
    assert_int_equal(j, t->columns++);
    for (int64_t i = 0; i < B; i++) {
        double mean = 0;
        for (int64_t k = 0; k < P; k++)
            mean += (double)out[k * B + i] / (double)P;
        x[i * D + j] = (flo_real)((double)t->z[i * D + j] + tanh(mean));
    }
}

#endif

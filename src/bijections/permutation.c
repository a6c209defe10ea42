/* Permutation of the columns: z_j = x_{order(j)}, reversed or drawn by the seed. */
#include "bijections/bijection.h"

enum { REVERSE, RANDOM };

typedef struct permutation {
    int order;
    int32_t *from; /* [D], z_j = x_{from[j]} */
} permutation;

static const flo_setting rows[] = {
    {.name = "order",
     .type = FLO_CHOICE,
     .offset = offsetof(permutation, order),
     .fallback = "random",
     .choices = "reverse|random",
     .help = "which permutation; random is drawn once by run.seed and stored"},
    {.name = NULL}};
static const flo_settings settings = {"permutation", "reorders the columns", rows};

static flo_status configure(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place)
{
    (void)place;
    permutation *s;
    int64_t ignored;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *s, &s));
    FLO_TRY(flo_settings_read(arena, NULL, node, &settings, s));
    FLO_TRY(flo_arena_take(arena, self->features, sizeof *s->from, &s->from));
    self->state = s;
    return flo_layout_add(&self->constants, self->features, 0, false, &ignored,
                          "order");
}

static flo_status fit(const flo_bijection *self, flo_context *context,
                      const flo_place *place, const flo_moments *moments,
                      double *constants)
{
    (void)moments, (void)context;
    const permutation *const s = self->state;
    const int64_t D = self->features;
    const flo_random_key key = {place->seed, FLO_RANDOM_STRUCTURE,
                                (uint64_t)place->index, 0};
    if (s->order == RANDOM)
        flo_random_permutation(key, D, s->from);
    for (int64_t j = 0; j < D; j++)
        constants[j] = (double)(s->order == RANDOM ? s->from[j] : D - 1 - j);
    return FLO_OK;
}

static flo_status prepare(flo_bijection *self, flo_context *context,
                          const double *constants)
{
    permutation *const s = self->state;
    const int64_t D = self->features;
    for (int64_t j = 0; j < D; j++)
        s->from[j] = -1;
    for (int64_t j = 0; j < D; j++) { /* each column exactly once */
        const double from = constants[j];
        if (!(from >= 0 && from < (double)D) || s->from[(int64_t)from] >= 0)
            return flo_fail(
                context, FLO_ERROR_FILE,
                "permutation: stored order has %g at place %lld, wanted each "
                "of 0 .. %lld once",
                from, (long long)j, (long long)(D - 1));
        s->from[(int64_t)from] = 0;
    }
    for (int64_t j = 0; j < D; j++)
        s->from[j] = (int32_t)constants[j];
    return FLO_OK;
}

/* out_j = in_{from[j]} for rows [B, D]. */
static void gather(int64_t B, int64_t D, const int32_t *from, const flo_real *in,
                   flo_real *out)
{
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            out[i * D + j] = in[i * D + from[j]];
}

/* out_{from[j]} = in_j. */
static void scatter(int64_t B, int64_t D, const int32_t *from, const flo_real *in,
                    flo_real *out)
{
    for (int64_t i = 0; i < B; i++)
        for (int64_t j = 0; j < D; j++)
            out[i * D + from[j]] = in[i * D + j];
}

static void forward(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet)
{
    (void)theta, (void)logdet;
    const permutation *const s = self->state;
    gather(pass->rows, self->features, s->from, x, z);
}

static void inverse(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet)
{
    (void)theta, (void)logdet;
    const permutation *const s = self->state;
    scatter(pass->rows, self->features, s->from, z, x);
}

static void backward(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta)
{
    (void)theta, (void)x, (void)dlogdet, (void)dcontext, (void)dtheta;
    const permutation *const s = self->state;
    scatter(pass->rows, self->features, s->from, dz, dx);
}

const flo_bijection_kind flo_permutation = {
    .name = "permutation",
    .settings = &settings,
    .domain = FLO_ANY_RANGE,
    .circular = true,
    .configure = configure,
    .fit = fit,
    .prepare = prepare,
    .init = flo_bijection_init_zero,
    .start = flo_bijection_start_nothing,
    .forward = forward,
    .inverse = inverse,
    .backward = backward,
};

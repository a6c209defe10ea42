/* The machine's own rate of matrix products. */
#include "train/gemm_rate.h"

#include "core/clock.h"
#include "core/random.h"
#include "linalg/products.h"

#include <omp.h>

/* One thread's matrices. */
typedef struct operands {
    flo_real *a, *b, *c;
} operands;

static void multiply(const flo_product_shape *s, const operands *o)
{
    if (s->left_transposed)
        flo_product_tn(s->inner, s->rows, s->columns, o->a, o->b, 0, o->c);
    else if (s->right_transposed)
        flo_product_nt(s->rows, s->columns, s->inner, o->a, o->b, 0, o->c);
    else
        flo_product_nn(s->rows, s->columns, s->inner, o->a, o->b, 0, o->c);
}

static flo_status fill(flo_context *context, int64_t count, flo_real **numbers)
{
    const flo_random_key key = {.seed = 1, .purpose = FLO_RANDOM_PARAMETERS};
    FLO_TRY(flo_allocate(context, count, sizeof **numbers, numbers));
    flo_random_normal(key, 0, count, *numbers);
    return FLO_OK;
}

static flo_status take(flo_context *context, const flo_product_shape *s, operands *o)
{
    FLO_TRY(fill(context, s->rows * s->inner, &o->a));
    FLO_TRY(fill(context, s->inner * s->columns, &o->b));
    return fill(context, s->rows * s->columns, &o->c);
}

static void give_back(flo_context *context, operands *o)
{
    flo_free(context, &o->a);
    flo_free(context, &o->b);
    flo_free(context, &o->c);
}

/* GFLOP/s of the calling thread; looks at the clock about a hundred times. */
static double run(const flo_product_shape *s, const operands *o, double seconds)
{
    const double work = 2.0 * (double)s->rows * (double)s->columns * (double)s->inner;
    multiply(s, o); /* pages touched, kernel chosen */
    const double first = flo_seconds();
    multiply(s, o);
    const double once = flo_seconds() - first;
    const int64_t batch = 1 + (int64_t)(seconds / (100 * (once + 1e-9)));
    int64_t done = 0;
    double spent = 0;
    for (const double begin = flo_seconds(); spent < seconds;
         spent = flo_seconds() - begin, done += batch)
        for (int64_t i = 0; i < batch; i++)
            multiply(s, o);
    return 1e-9 * work * (double)done / spent;
}

flo_status flo_gemm_rate(flo_context *context, const flo_product_shape *shape,
                         int threads, double seconds, double *gflops)
{
    operands *all;
    FLO_TRY(flo_allocate(context, threads, sizeof *all, &all));
    flo_status status = FLO_OK;
    for (int i = 0; i < threads && status == FLO_OK; i++)
        status = take(context, shape, &all[i]);
    double sum = 0;
    if (status == FLO_OK) {
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        sum += run(shape, &all[omp_get_thread_num()], seconds);
    }
    for (int i = 0; i < threads; i++)
        give_back(context, &all[i]);
    flo_free(context, &all);
    *gflops = sum / threads;
    return status;
}

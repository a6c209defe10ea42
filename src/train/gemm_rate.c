/* The machine's own rate of matrix products. */
#include "train/gemm_rate.h"

#include "core/clock.h"
#include "core/random.h"
#include "linalg/products.h"
#include "linalg/staircase.h"

#include <omp.h>

/* One thread's matrices. */
typedef struct operands {
    flo_real *a, *b, *c;
} operands;

enum { N = 512 };

static void multiply(flo_gemm_maker maker, const operands *o)
{
    static const flo_panel rows = {.rows = N, .columns = N, .length = N};
    const flo_staircase whole = {N, 1, &rows, NULL};
    if (maker == FLO_GEMM_BLAS)
        flo_product_nn(N, N, N, o->a, o->b, 0, o->c);
    else
        flo_staircase_forward(&whole, o->a, NULL, N, o->b, o->c);
}

static flo_status fill(flo_context *context, int64_t count, flo_real **numbers)
{
    const flo_random_key key = {.seed = 1, .purpose = FLO_RANDOM_PARAMETERS};
    FLO_TRY(flo_allocate(context, count, sizeof **numbers, numbers));
    flo_random_normal(key, 0, count, *numbers);
    return FLO_OK;
}

static flo_status take(flo_context *context, operands *o)
{
    FLO_TRY(fill(context, N * N, &o->a));
    FLO_TRY(fill(context, N * N, &o->b));
    return fill(context, N * N, &o->c);
}

static void give_back(flo_context *context, operands *o)
{
    flo_free(context, &o->a);
    flo_free(context, &o->b);
    flo_free(context, &o->c);
}

/* GFLOP/s of the calling thread; looks at the clock about a hundred times. */
static double run(flo_gemm_maker maker, const operands *o, double seconds)
{
    const double work = 2.0 * N * N * N;
    multiply(maker, o); /* pages touched, kernel chosen */
    const double first = flo_seconds();
    multiply(maker, o);
    const double once = flo_seconds() - first;
    const int64_t batch = 1 + (int64_t)(seconds / (100 * (once + 1e-9)));
    int64_t done = 0;
    double spent = 0;
    for (const double begin = flo_seconds(); spent < seconds;
         spent = flo_seconds() - begin, done += batch)
        for (int64_t i = 0; i < batch; i++)
            multiply(maker, o);
    return 1e-9 * work * (double)done / spent;
}

flo_status flo_gemm_rate(flo_context *context, flo_gemm_maker maker, int threads,
                         double seconds, double *gflops)
{
    operands *all;
    FLO_TRY(flo_allocate(context, threads, sizeof *all, &all));
    flo_status status = FLO_OK;
    for (int i = 0; i < threads && status == FLO_OK; i++)
        status = take(context, &all[i]);
    double sum = 0;
    if (status == FLO_OK) {
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        sum += run(maker, &all[omp_get_thread_num()], seconds);
    }
    for (int i = 0; i < threads; i++)
        give_back(context, &all[i]);
    flo_free(context, &all);
    *gflops = sum / threads;
    return status;
}

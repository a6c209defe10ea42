/* What a rational-quadratic spline costs, ns an element, least and median of rounds:
   shares of the raw parameters, forward, backward and inverse, which takes the shares
   again; in training an element costs the first three.

     bench_spline [ROUNDS [ELEMENTS [COLUMN]]]

   Each column of COLUMN elements has parameters of its own, side by side ("units") or
   together ("rows"), or all elements share one spline ("shared"). */
#include "bijections/spline.h"
#include "core/clock.h"
#include "linalg/numbers.h"

#include <stdio.h>

enum { K = 8, P = 3 * K - 1, MOST_ROUNDS = 1000, PARTS = 4 };

static const flo_spline_settings settings = {.bins = K, .tail_bound = 5};
static const char *const parts[PARTS] = {"shares", "forward", "backward", "inverse"};

typedef struct bench {
    int64_t elements, column; /* n, a multiple of column */
    flo_real *raw, *u, *du;   /* [n P] */
    flo_real *x, *y, *dx;     /* [n] */
    double *logdet;           /* [n] */
    double seconds[PARTS][MOST_ROUNDS];
} bench;

static void *take(int64_t count, size_t size)
{
    void *const memory = calloc((size_t)count, size);
    if (!memory)
        exit(1);
    return memory;
}

static void run(const bench *b, int part, const flo_spline_strides *at, int64_t i)
{
    const int64_t n = b->column, first = at->element ? i * P : 0;
    flo_real *const u = b->u + first;
    switch (part) {
    case 0:
        flo_spline_shares(&settings, n, at, b->raw + first, u);
        break;
    case 1:
        flo_spline_forward(&settings, n, at, u, b->x + i, b->y + i, b->logdet + i);
        break;
    case 2:
        flo_spline_backward(&settings, n, at, u, b->x + i, b->y + i, b->logdet + i,
                            b->dx + i, b->du + first);
        break;
    default:
        flo_spline_inverse(&settings, n, at, u, b->y + i, b->dx + i, b->logdet + i);
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(bench *b, const char *name, const flo_spline_strides *at,
                    int rounds)
{
    for (int round = 0; round < rounds; round++)
        for (int part = 0; part < PARTS; part++) {
            const double start = flo_seconds();
            for (int64_t i = 0; i < b->elements; i += b->column)
                run(b, part, at, i);
            b->seconds[part][round] = flo_seconds() - start;
        }
    printf("%-8s", name);
    for (int part = 0; part < PARTS; part++) {
        double *const s = b->seconds[part];
        const double scale = 1e9 / (double)b->elements;
        qsort(s, (size_t)rounds, sizeof *s, ascending);
        printf("  %s %6.2f %6.2f", parts[part], s[0] * scale, s[rounds / 2] * scale);
    }
    printf("\n");
}

static int64_t argument(int argc, char **argv, int i, int64_t fallback)
{
    const int64_t value = i < argc ? strtoll(argv[i], NULL, 10) : fallback;
    return value > 0 ? value : 1;
}

int main(int argc, char **argv)
{
    static bench b;
    const int64_t wanted = argument(argc, argv, 1, 200);
    const int rounds = (int)(wanted < MOST_ROUNDS ? wanted : MOST_ROUNDS);
    b.column = argument(argc, argv, 3, 64);
    b.elements = (argument(argc, argv, 2, 2048) + b.column - 1) / b.column * b.column;
    b.raw = take(b.elements * P, sizeof *b.raw);
    b.u = take(b.elements * P, sizeof *b.u);
    b.du = take(b.elements * P, sizeof *b.du);
    b.x = take(b.elements, sizeof *b.x);
    b.y = take(b.elements, sizeof *b.y);
    b.dx = take(b.elements, sizeof *b.dx);
    b.logdet = take(b.elements, sizeof *b.logdet);
    draw_normals(1, 1, b.elements * P, b.raw);
    draw_normals(2, 2, b.elements, b.x);
    measure(&b, "units", &(flo_spline_strides){b.column, 1, 1}, rounds);
    measure(&b, "rows", &(flo_spline_strides){1, P, 1}, rounds);
    measure(&b, "shared", &(flo_spline_strides){1, 0, 1}, rounds);
    free(b.raw);
    free(b.u);
    free(b.du);
    free(b.x);
    free(b.y);
    free(b.dx);
    free(b.logdet);
    return 0;
}

/* GFLOP/s of the three products of a conditioner's map, y += W x, dx += W^T dy and dW
   += dy x^T, of a dense weight [OUTPUTS, INPUTS] and B rows, in full and in bfloat16:
   least time and median of rounds.

     bench_staircase [ROUNDS [OUTPUTS [INPUTS [B]]]] */
#include "core/clock.h"
#include "linalg/bf16.h"
#include "linalg/numbers.h"
#include "linalg/staircase.h"

#include <stdio.h>

enum { MOST_ROUNDS = 1000, KINDS = 2, PARTS = 3, TIMES = 16 };

static const char *const kinds[KINDS] = {"full", "bf16"};
static const char *const parts[PARTS] = {"forward", "backward", "gradient"};

static double seconds[KINDS][PARTS][MOST_ROUNDS];

static int64_t argument(int argc, char **argv, int i, int64_t fallback)
{
    const int64_t value = i < argc ? strtoll(argv[i], NULL, 10) : fallback;
    return value > 0 ? value : 1;
}

static flo_real *normals(uint32_t stream, int64_t count)
{
    flo_real *const x = malloc((size_t)count * sizeof *x);
    if (!x)
        exit(1);
    draw_normals(stream, (flo_real)0.01, count, x);
    return x;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    const int64_t wanted = argument(argc, argv, 1, 200);
    const int64_t rounds = wanted < MOST_ROUNDS ? wanted : MOST_ROUNDS;
    const int64_t B = argument(argc, argv, 2, 64), M = argument(argc, argv, 3, 256);
    const flo_panel rows = {.rows = M, .columns = M, .length = M};
    const flo_staircase whole = {M, 1, &rows, NULL};
    flo_real *const w = normals(1, M * M), *const dw = normals(2, M * M);
    flo_real *const x = normals(3, M * B), *const dx = normals(4, M * B);
    flo_bf16 *const copy = malloc((size_t)flo_bf16_room(M * M) * sizeof *copy);
    if (!copy)
        return 1;
    flo_bf16_round(M * M, w, copy);
    const flo_rounded rounded = {w, copy};
    flo_real *const y = normals(5, M * B), *const dy = normals(6, M * B);
    for (int64_t round = 0; round < rounds; round++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int part = 0; part < PARTS; part++) {
                const flo_rounded *const given = kind ? &rounded : NULL;
                const double start = flo_seconds();
                for (int i = 0; i < TIMES; i++) {
                    if (part == 0)
                        flo_staircase_forward(&whole, w, given, B, x, y);
                    else if (part == 1)
                        flo_staircase_backward(&whole, w, given, B, dy, dx);
                    else
                        flo_staircase_gradient(&whole, given, B, true, x, dy, dw);
                }
                seconds[kind][part][round] = flo_seconds() - start;
            }
    for (int kind = 0; kind < KINDS; kind++)
        for (int part = 0; part < PARTS; part++) {
            double *const s = seconds[kind][part];
            const double work = 2e-9 * TIMES * (double)(M * M * B);
            qsort(s, (size_t)rounds, sizeof *s, ascending);
            printf("%s %s %.1f %.1f\n", kinds[kind], parts[part], work / s[0],
                   work / s[rounds / 2]);
        }
    free(copy);
    free(w);
    free(dw);
    free(x);
    free(dx);
    free(y);
    free(dy);
    return 0;
}

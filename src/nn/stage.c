/* A stage of a network: activation, then dropout. Its cache is h [n, B], then p [n, B]
   where the activation keeps its input, then the dropped h [n, B] where there is
   dropout. */
#include "nn/stage.h"

#include "nn/network.h"

#include <string.h>

int64_t flo_stage_cache(const flo_stage *stage)
{
    return stage->width * (1 + (stage->activation->keeps_input ? 1 : 0) +
                           (stage->dropout > 0 ? 1 : 0));
}

static bool drops(const flo_stage *stage, const flo_pass *pass)
{
    return stage->dropout > 0 && pass->training;
}

static flo_real *dropped(const flo_stage *stage, int64_t B, flo_real *cache)
{
    return cache + B * stage->width * (stage->activation->keeps_input ? 2 : 1);
}

flo_real *flo_stage_input(const flo_stage *stage, int64_t B, flo_real *cache)
{
    return stage->activation->keeps_input ? cache + B * stage->width : cache;
}

flo_real *flo_stage_output(const flo_stage *stage, const flo_pass *pass,
                           flo_real *cache)
{
    return drops(stage, pass) ? dropped(stage, pass->rows, cache) : cache;
}

/* The mask of a row is a function of its own noise. */
static void drop(const flo_stage *stage, const flo_pass *pass, int64_t noise,
                 int64_t first, int64_t count, const flo_real *x, flo_real *y)
{
    const int64_t B = pass->rows;
    for (int64_t u = first; u < first + count; u++)
        for (int64_t i = 0; i < B; i++)
            flo_dropout(stage->dropout, 1,
                        pass->noise + i * stage->noise_width + noise + u, x + u * B + i,
                        y + u * B + i);
}

flo_real *flo_stage_forward(const flo_stage *stage, const flo_pass *pass, int64_t noise,
                            int64_t first, int64_t count, const flo_real *p,
                            flo_real *cache)
{
    const int64_t B = pass->rows, from = first * B, n = count * B;
    flo_real *const kept = flo_stage_input(stage, B, cache);
    if (stage->activation->keeps_input && p != kept)
        memcpy(kept + from, p + from, (size_t)n * sizeof *p);
    stage->activation->forward(n, p + from, cache + from);
    flo_real *const output = flo_stage_output(stage, pass, cache);
    if (drops(stage, pass))
        drop(stage, pass, noise, first, count, cache, output);
    return output;
}

void flo_stage_backward(const flo_stage *stage, const flo_pass *pass, int64_t noise,
                        const flo_real *cache, const flo_real *dh, flo_real *dp)
{
    const int64_t n = pass->rows * stage->width;
    if (drops(stage, pass))
        drop(stage, pass, noise, 0, stage->width, dh, dp);
    stage->activation->backward(n, cache + n, cache, drops(stage, pass) ? dp : dh, dp);
}

/* A stage of a network: activation, then dropout. Its cache is h [B, n], then p [B, n]
   where the activation keeps its input, then the dropped h [B, n] where there is
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

/* Row by row, so that the mask of a row is a function of its own noise. */
static void drop(const flo_stage *stage, const flo_pass *pass, int64_t noise,
                 const flo_real *x, flo_real *y)
{
    const int64_t n = stage->width;
    for (int64_t i = 0; i < pass->rows; i++)
        flo_dropout(stage->dropout, n, pass->noise + i * stage->noise_width + noise,
                    x + i * n, y + i * n);
}

flo_real *flo_stage_forward(const flo_stage *stage, const flo_pass *pass, int64_t noise,
                            const flo_real *p, flo_real *cache)
{
    const int64_t n = pass->rows * stage->width;
    flo_real *const kept = flo_stage_input(stage, pass->rows, cache);
    if (stage->activation->keeps_input && p != kept)
        memcpy(kept, p, (size_t)n * sizeof *p);
    stage->activation->forward(n, p, cache);
    flo_real *const output = flo_stage_output(stage, pass, cache);
    if (drops(stage, pass))
        drop(stage, pass, noise, cache, output);
    return output;
}

void flo_stage_forward_units(const flo_stage *stage, const flo_pass *pass,
                             int64_t noise, int64_t first, int64_t count,
                             const flo_real *p, flo_real *cache)
{
    const int64_t B = pass->rows, from = first * B;
    stage->activation->forward(count * B, p + from, cache + from);
    if (!drops(stage, pass))
        return;
    flo_real *const output = dropped(stage, B, cache);
    for (int64_t u = first; u < first + count; u++)
        for (int64_t i = 0; i < B; i++)
            flo_dropout(stage->dropout, 1,
                        pass->noise + i * stage->noise_width + noise + u,
                        cache + u * B + i, output + u * B + i);
}

void flo_stage_backward(const flo_stage *stage, const flo_pass *pass, int64_t noise,
                        const flo_real *cache, const flo_real *dh, flo_real *dp)
{
    const int64_t n = pass->rows * stage->width;
    if (drops(stage, pass))
        drop(stage, pass, noise, dh, dp);
    stage->activation->backward(n, cache + n, cache, drops(stage, pass) ? dp : dh, dp);
}

/* A stage of a network: activation, then dropout, and what they keep for backward. */
#ifndef FLO_NN_STAGE_H
#define FLO_NN_STAGE_H

#include "core/pass.h"
#include "nn/activation.h"

/* All arrays are transposed: n units of B rows, [n, B]. */
typedef struct flo_stage {
    const flo_activation *activation;
    double dropout;
    int64_t width;       /* n */
    int64_t noise_width; /* reals a row of the pass's noise */
} flo_stage;

/* Reals a row that the stage keeps: the output h, the input where backward needs it,
   the output after dropout where there is any. */
int64_t flo_stage_cache(const flo_stage *stage);

/* Where in the stage's cache a caller may write the input p, to save a copy. */
flo_real *flo_stage_input(const flo_stage *stage, int64_t B, flo_real *cache);

/* Runs the stage on units first .. first + count - 1 of p (flo_stage_input or
   elsewhere). `noise` is where, in a row of the pass's noise, its n reals begin: read
   where dropout applies. Returns the output, in the cache. Pure. Local. */
flo_real *flo_stage_forward(const flo_stage *stage, const flo_pass *pass, int64_t noise,
                            int64_t first, int64_t count, const flo_real *p,
                            flo_real *cache);

/* The output of the last forward, still in the cache. */
flo_real *flo_stage_output(const flo_stage *stage, const flo_pass *pass,
                           flo_real *cache);

/* dp from dh; in place allowed. Pure. Local. */
void flo_stage_backward(const flo_stage *stage, const flo_pass *pass, int64_t noise,
                        const flo_real *cache, const flo_real *dh, flo_real *dp);

#endif

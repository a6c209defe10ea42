/* Activation functions: a table of kinds. */
#ifndef FLO_NN_ACTIVATION_H
#define FLO_NN_ACTIVATION_H

#include "flotilla/real.h"

#include <stdbool.h>
#include <stdint.h>

#define FLO_ACTIVATION_CHOICES "relu|tanh|silu"

typedef struct flo_activation {
    const char *name;
    bool keeps_input; /* backward reads p; else p may be gone (NULL) */
    /* h[i] = f(p[i]); in place allowed where keeps_input is false. */
    void (*forward)(int64_t n, const flo_real *p, flo_real *h);
    /* dp[i] = f'(p[i]) dh[i]; in place allowed. */
    void (*backward)(int64_t n, const flo_real *p, const flo_real *h,
                     const flo_real *dh, flo_real *dp);
} flo_activation;

/* The activation of an index among FLO_ACTIVATION_CHOICES. Static storage. */
const flo_activation *flo_activation_at(int index);

#endif

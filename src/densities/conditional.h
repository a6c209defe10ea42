/* The numbers of a base density (means, log-scales, ..): learned, and moved by a
   network of the context where there is one.

   numbers(c) = theta + network(c), the network's last map zero at the start: a
   conditional density begins as the one without context. */
#ifndef FLO_DENSITIES_CONDITIONAL_H
#define FLO_DENSITIES_CONDITIONAL_H

#include "densities/density.h"
#include "nn/network.h"

typedef struct flo_conditional_settings {
    flo_integers hidden;
    int activation;
} flo_conditional_settings;

#define FLO_CONDITIONAL_ROWS(OWNER, MEMBER)                                            \
    {.name = "hidden",                                                                 \
     .type = FLO_INTEGERS,                                                             \
     .offset = offsetof(OWNER, MEMBER.hidden),                                         \
     .low = 1,                                                                         \
     .high = 1 << 20,                                                                  \
     .fallback = "[]",                                                                 \
     .help = "with context columns: hidden widths of the network that moves the "      \
             "numbers of the density by them; [] is a linear map"},                    \
    {                                                                                  \
        .name = "activation", .type = FLO_CHOICE,                                      \
        .offset = offsetof(OWNER, MEMBER.activation), .fallback = "relu",              \
        .choices = FLO_ACTIVATION_CHOICES,                                             \
        .help = "activation function of that network"                                  \
    }

typedef struct flo_conditional {
    int64_t numbers;        /* N: the first parameters of the density */
    int64_t context;        /* C */
    int64_t work;           /* reals a set of numbers that the kind asked for */
    flo_network network;    /* [B, C] -> [B, N]; unused where C is 0 */
    int64_t network_offset; /* of its parameters */
} flo_conditional;

/* What a kernel reads: one set of N numbers for all rows, or a set for each. */
typedef struct flo_numbers {
    const flo_real *value; /* [sets, N]; row i has set i * each */
    int64_t sets, each;    /* 1 and 0, or B and 1 */
    flo_real *work;        /* [sets, work], for what the kind derives from them */
} flo_numbers;

/* After the kind has declared the tensors of its numbers, and nothing else: adds the
   network's under "context/" and sets the density's cache and scratch; `work` reals of
   scratch a set are the kind's. A kind that needs cache of its own adds to
   density->cache: it lies behind (flo_conditional_cache). Local. FLO_ERROR_CONFIG
   (hidden without context), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_conditional_configure(
    flo_conditional *conditional, flo_arena *arena, const flo_node *node,
    const flo_conditional_settings *settings, int64_t work, flo_density *density);

/* Initialises the network; the numbers are the kind's to set. */
void flo_conditional_init(const flo_conditional *conditional, flo_random_key key,
                          flo_real *theta);

/* The numbers of a pass, and again, unchanged, for its backward. Pure. Local. */
flo_numbers flo_conditional_forward(const flo_conditional *conditional,
                                    const flo_real *theta, const flo_pass *pass);
flo_numbers flo_conditional_kept(const flo_conditional *conditional,
                                 const flo_real *theta, const flo_pass *pass);

/* The kind's own cache, behind that of the numbers. */
flo_real *flo_conditional_cache(const flo_conditional *conditional,
                                const flo_pass *pass);

/* Where the kind adds the derivatives by the numbers, [sets, N]; afterwards backward
   takes them on to the network, adding to dcontext and dtheta. Pure. Local. */
flo_real *flo_conditional_gradient(const flo_conditional *conditional,
                                   const flo_pass *pass, flo_real *dtheta);
void flo_conditional_backward(const flo_conditional *conditional, const flo_real *theta,
                              const flo_pass *pass, flo_real *dcontext,
                              flo_real *dtheta);

#endif

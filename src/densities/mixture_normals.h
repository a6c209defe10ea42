/* Mixtures of K normals with diagonal covariance over n columns: what the kinds of
   mixture densities share. */
#ifndef FLO_DENSITIES_MIXTURE_NORMALS_H
#define FLO_DENSITIES_MIXTURE_NORMALS_H

#include "flotilla/real.h"

#include <stdint.h>

/* A mixture is K (1 + 2 n) values: logits of the weights [K], means [K, n], a [K, n]
   with log-scale s = a / (1 + |a| / limit):
   log p(z) = log sum_k exp(log w_k + sum_j log N(z_j; m_kj, exp(s_kj))),
   w = softmax(logits). */
typedef struct flo_normals {
    int64_t components, features; /* K, n */
    double scale_limit;
} flo_normals;

/* Reals a mixture: its values, and what prepare derives from them. */
int64_t flo_normals_values(const flo_normals *mixture);
int64_t flo_normals_prepared(const flo_normals *mixture);

/* prepared [count, ..] from values [count, ..]: log w [K]; log w minus the rest of the
   normaliser [K]; exp(-s) [K, n]. Pure. Local. */
void flo_normals_prepare(const flo_normals *mixture, int64_t count,
                         const flo_real *values, flo_real *prepared);

/* log p(z) of z [n]; responsibility [K], the share of each component in it, is kept for
   backward. Finite for every finite float z; where double itself overflows -infinity,
   never NaN but of what is NaN. Pure. Local. */
double flo_normals_log_prob(const flo_normals *mixture, const flo_real *values,
                            const flo_real *prepared, const flo_real *z,
                            flo_real *responsibility);

/* From g, the derivative by log p(z): overwrites dz [n], adds to dvalues. Pure. Local.
 */
void flo_normals_backward(const flo_normals *mixture, const flo_real *values,
                          const flo_real *prepared, const flo_real *z,
                          const flo_real *responsibility, flo_real g, flo_real *dz,
                          flo_real *dvalues);

/* z [n]: the component that `uniform` falls to, and normals [n] times temperature. The
   temperature narrows every component; which one is drawn it leaves alone. */
void flo_normals_sample(const flo_normals *mixture, const flo_real *values,
                        const flo_real *prepared, flo_real uniform,
                        const flo_real *normals, double temperature, flo_real *z);

/* The settings of both kinds. */
#define FLO_NORMALS_ROWS(OWNER, MEMBER, COMPONENTS)                                    \
    {.name = "components",                                                             \
     .type = FLO_INTEGER,                                                              \
     .offset = offsetof(OWNER, MEMBER.components),                                     \
     .low = 1,                                                                         \
     .high = 1 << 16,                                                                  \
     .fallback = COMPONENTS,                                                           \
     .help = "components of the mixture"},                                             \
    {                                                                                  \
        .name = "scale_limit", .type = FLO_NUMBER,                                     \
        .offset = offsetof(OWNER, MEMBER.scale_limit), .low = 1, .high = 20,           \
        .fallback = "7",                                                               \
        .help = "soft bound on the log-scale of a component: none falls onto a point"  \
    }

#endif

/* The density table: base densities of flows and analytic targets.

   A kind is one file and one row of the registry. Kernels are total, as bijections'
   are. */
#ifndef FLO_DENSITIES_DENSITY_H
#define FLO_DENSITIES_DENSITY_H

#include "config/settings.h"
#include "core/layout.h"
#include "core/pass.h"
#include "core/random.h"

/* log(2 pi) / 2: what a normal column takes off. */
#define FLO_HALF_LOG_TWO_PI 0.91893853320467274178

typedef struct flo_density flo_density;

typedef struct flo_density_kind {
    const char *name;
    const flo_settings *settings;
    bool bounded;  /* has density 0 on a part of the line (uniform) */
    bool circular; /* columns that are angles are uniform on their circle */

    /* Reads the settings; declares parameters; sets normals, uniforms, cache, scratch.
       A kind with its own number of features sets it where it comes as 0.
       FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
    flo_status (*configure)(flo_density *self, flo_arena *arena, flo_node *node);
    void (*init)(const flo_density *self, flo_random_key key, flo_real *theta);
    /* Adds log p(z) in nats to log_prob [B], up to the constant log_evidence. */
    void (*log_prob)(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, double *log_prob);
    /* From dlog_prob [B]: overwrites dz [B, D]; adds to dcontext [B, C] and dtheta
       (as a bijection does, also where the pass is fresh). */
    void (*backward)(const flo_density *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *z, const double *dlog_prob,
                     flo_real *dz, flo_real *dcontext, flo_real *dtheta);
    /* z [B, D] from standard normals [B, normals] and uniforms [B, uniforms];
       temperature scales the spread, 1 is the density itself; what it leaves alone (the
       choice of a component, say) the kind's file says. */
    void (*sample)(const flo_density *self, const flo_real *theta, const flo_pass *pass,
                   const flo_real *normals, const flo_real *uniforms,
                   double temperature, flo_real *z);
} flo_density_kind;

struct flo_density {
    const flo_density_kind *kind;
    int64_t features, context; /* D, C */
    flo_layout parameters;
    int64_t normals, uniforms;                    /* random numbers a sample takes */
    int64_t cache, scratch, scratch_fixed, noise; /* see flo_pass */
    const bool *angles;  /* [D], columns that come as angles; NULL: none. The flow sets
                            it  with uniforms = D, for kinds that are circular */
    double log_evidence; /* log of the integral of what log_prob gives; 0: normalised */
    void *state;
};

/* All kinds, ending in NULL. Static storage. */
extern const flo_density_kind *const flo_density_kinds[];

/* Makes the density that a config node describes. features 0: the kind must know. The
   arena owns it. Local. FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_density_create(flo_arena *arena, flo_node *node,
                                           int64_t features, int64_t context,
                                           flo_density **density);

/* For the configure of kinds that must be told their columns. Local. FLO_ERROR_CONFIG.
 */
FLO_MUST_USE flo_status flo_density_needs_features(const flo_density *self,
                                                   flo_arena *arena,
                                                   const flo_node *node);

/* For kinds without parameters. */
void flo_density_init_nothing(const flo_density *self, flo_random_key key,
                              flo_real *theta);

#endif

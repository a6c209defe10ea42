/* What all couplings share: a mask that splits the columns, and a conditioner network
   that reads the identity half and the context (Dinh et al. 2017, arXiv 1605.08803). */
#ifndef FLO_BIJECTIONS_COUPLING_H
#define FLO_BIJECTIONS_COUPLING_H

#include "bijections/bijection.h"
#include "nn/network.h"

typedef struct flo_coupling_settings {
    int mask;
    double period; /* NaN: columns are no angles */
    flo_network_settings network;
} flo_coupling_settings;

#define FLO_COUPLING_ROWS(OWNER, MEMBER)                                               \
    {.name = "mask",                                                                   \
     .type = FLO_CHOICE,                                                               \
     .offset = offsetof(OWNER, MEMBER.mask),                                           \
     .fallback = "alternating",                                                        \
     .choices = "alternating|half|random",                                             \
     .help =                                                                           \
         "which columns pass unchanged; alternating and half swap from one coupling "  \
         "to the next"},                                                               \
        {.name = "period",                                                             \
         .type = FLO_NUMBER,                                                           \
         .offset = offsetof(OWNER, MEMBER.period),                                     \
         .low = 1e-6,                                                                  \
         .high = 1e6,                                                                  \
         .fallback = "null",                                                           \
         .help = "for angles: the network reads the columns that pass as cosine and "  \
                 "sine, with this period"},                                            \
        FLO_NETWORK_ROWS(OWNER, MEMBER.network)

/* The split and the conditioner of one coupling: what the state of a kind starts with.
 */
typedef struct flo_coupling {
    flo_coupling_settings settings;
    int64_t identity_columns, changed_columns; /* Da, Db */
    int32_t *identity, *changed;               /* [Da], [Db] column indices */
    flo_inputs inputs;                         /* of the identity half */
    flo_network network; /* [inputs.count, B] -> [outputs * Db, B] */
} flo_coupling;

/* Sets up the split and the network with `outputs` numbers a changed column, after the
   settings were read, and makes it the state of self; adds network cache, scratch and
   noise to self behind `own_scratch` reals a row of the kind's own scratch and
   own_cache reals of its cache. Where columns of the place are angles, the identity
   half is known from here on. Local. FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_coupling_configure(flo_coupling *coupling,
                                               flo_bijection *self, flo_arena *arena,
                                               flo_node *node, const flo_place *place,
                                               int64_t outputs, int64_t own_cache,
                                               int64_t own_scratch);

/* The slots fit, prepare and init of a coupling. Its constants are the `mask` [D], 1
   where a column passes unchanged. */
flo_status flo_coupling_fit(const flo_bijection *self, flo_context *context,
                            const flo_place *place, const flo_moments *moments,
                            double *mask);
flo_status flo_coupling_prepare(flo_bijection *self, flo_context *context,
                                const double *mask);
void flo_coupling_init(const flo_bijection *self, flo_random_key key, flo_real *theta);

/* Memory of a pass: the kind's own cache and scratch, and what lies behind them. */
typedef struct flo_coupling_memory {
    flo_real *cache, *scratch; /* the kind's own */
    flo_real *input;           /* [inputs.count, B]: what the network reads */
    flo_real *dinput;          /* [inputs.count, B]: its gradient from the network */
    flo_pass network;          /* the network's pass */
} flo_coupling_memory;

flo_coupling_memory flo_coupling_split(const flo_coupling *coupling,
                                       const flo_bijection *self, const flo_pass *pass);

/* Runs the network on the identity half of x; out [outputs * Db, B] is overwritten.
   Also copies the identity half to z. Pure. Local. */
void flo_coupling_condition(const flo_coupling *coupling, const flo_bijection *self,
                            const flo_real *theta, const flo_coupling_memory *memory,
                            const flo_real *x, flo_real *z, flo_real *out);

/* After the kind has set dx at the changed columns and dout [outputs * Db, B] (which
   may be overwritten): sets dx at the identity columns. Pure. Local. */
void flo_coupling_backward(const flo_coupling *coupling, const flo_bijection *self,
                           const flo_real *theta, const flo_coupling_memory *memory,
                           const flo_real *dz, flo_real *dout, flo_real *dx,
                           flo_real *dcontext, flo_real *dtheta);

#endif

/* The bijection table: what every kind of layer of a flow must offer.

   Shapes are event shapes [D]; context has C columns (C may be 0). forward maps x to z
   and adds log|det dz/dx| to logdet; inverse maps z to x and adds log|det dx/dz|.
   Kernels are total: no allocation, I/O, communication, randomness or failure inside; x
   and z never overlap. A kind is one file and one row of the registry (registry.c). */
#ifndef FLO_BIJECTIONS_BIJECTION_H
#define FLO_BIJECTIONS_BIJECTION_H

#include "config/settings.h"
#include "core/layout.h"
#include "core/pass.h"
#include "core/range.h"
#include "core/random.h"

typedef struct flo_bijection flo_bijection;

/* Where a layer stands in its flow. */
typedef struct flo_place {
    int64_t index; /* among all layers, from 0 */
    int64_t
        occurrence; /* how many layers with a mask came before it: masks alternate */
    uint64_t seed;
    const bool *angles; /* [D], columns that come as angles between -pi and pi, all
                           turns alike, and must leave so; NULL: none. Borrowed */
} flo_place;

/* Weighted moments of the columns of what a layer is fed, for kinds with fitted
   constants or a start from data. */
typedef struct flo_moments {
    const double *mean, *deviation; /* [D] */
    const double *low, *high;       /* [D], least and greatest; fit alone has them */
    /* For fit of a kind that `correlates` alone: [D, whitening_row] lower triangular W,
       W^T W the inverse of the correlations. */
    const double *whitening;
    int64_t whitening_row; /* at least D */
} flo_moments;

/* How far a column of what a layer is fed lies from what its constants were fitted to.
 */
typedef struct flo_drift {
    const char *unit; /* of the shift: "standard deviations" */
    double shift;     /* of its place, at least 0 */
    double ratio;     /* its spread over that of then */
} flo_drift;

/* What may be done to a column, in double, before the first layer that acts on it sees
   it: taken off an origin, times a factor. A layer that needs the numbers themselves
   takes none. */
typedef enum flo_shifts {
    FLO_SHIFTS_NONE,
    FLO_SHIFTS_FACTOR,       /* any factor above 0 */
    FLO_SHIFTS_WHOLE_ORIGIN, /* a whole number */
    FLO_SHIFTS_BOTH
} flo_shifts;

typedef struct flo_bijection_kind {
    const char *name;
    const flo_settings *settings; /* name, help, rows */
    bool alternates; /* counts in flo_place.occurrence: its mask alternates */
    bool fitted;     /* has constants that tell of the data: only in `preprocess` */
    bool correlates; /* fit takes the correlations of the columns too */
    bool starts_from_data;   /* start looks at the moments: they are worth computing */
    bool circular;           /* a column that comes as an angle leaves as one */
    flo_range domain, image; /* of each column: x that it takes, z that it gives */

    /* Reads the settings at node; declares parameters and constants in the layouts;
       sets cache, scratch, noise and state. FLO_ERROR_CONFIG, FLO_ERROR_MEMORY. */
    flo_status (*configure)(flo_bijection *self, flo_arena *arena, flo_node *node,
                            const flo_place *place);
    /* Fills the constants: drawn by the place's seed, or fitted to the moments.
       FLO_ERROR_DATA (a constant column; columns are numbered as the layer is fed). */
    flo_status (*fit)(const flo_bijection *self, flo_context *context,
                      const flo_place *place, const flo_moments *moments,
                      double *constants);
    /* Of a kind that is fitted: what became of column j since `constants` were fitted,
       by the moments that it has now; false: the layer leaves it alone. Pure. NULL:
       not known. */
    bool (*drift)(const flo_bijection *self, const double *constants,
                  const flo_moments *moments, int64_t j, flo_drift *drift);
    /* Writes what column j of x must be, and what to do where it is not, into text
       [size]; NULL: flo_range_words of the domain say it. */
    void (*explain)(const flo_bijection *self, int64_t j, char *text, size_t size);
    /* Derives state from constants [constants.size], just fitted or read from a file;
       they stay where they are. FLO_ERROR_FILE when they are not of this layer. */
    flo_status (*prepare)(flo_bijection *self, flo_context *context,
                          const double *constants);
    /* Initial parameters [parameters.size]: the identity or close to it. */
    void (*init)(const flo_bijection *self, flo_random_key key, flo_real *theta);
    /* Once, when a run begins: moves theta, which init has filled, to where the moments
       of x over start rows want it. Returns the number of columns that do not vary. */
    int64_t (*start)(const flo_bijection *self, const flo_moments *moments,
                     flo_real *theta);

    void (*forward)(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *x, flo_real *z,
                    double *logdet);
    void (*inverse)(const flo_bijection *self, const flo_real *theta,
                    const flo_pass *pass, const flo_real *z, flo_real *x,
                    double *logdet);
    /* After forward on the same x and pass: from dz [B, D] and dlogdet [B], the
       derivatives of any loss by z and logdet, overwrites dx [B, D] and adds to
       dcontext [B, C] and to dtheta [parameters.size]. Only where the pass is fresh it
       overwrites what dtheta has for tensors with `decay`; networks do so themselves.
     */
    void (*backward)(const flo_bijection *self, const flo_real *theta,
                     const flo_pass *pass, const flo_real *x, const flo_real *dz,
                     const double *dlogdet, flo_real *dx, flo_real *dcontext,
                     flo_real *dtheta);
} flo_bijection_kind;

struct flo_bijection {
    const flo_bijection_kind *kind;
    int64_t features, context;        /* D, C */
    flo_layout parameters, constants; /* offsets from the layer's own start */
    int64_t cache, scratch, noise;    /* reals a row, see flo_pass */
    int64_t scratch_fixed;            /* reals more, whatever the rows */
    bool fitted;        /* fit needs the moments: a kind that is fitted, unless its
                           settings say all */
    bool dithers;       /* every pass forward needs the noise, not training alone */
    const bool *passes; /* [D], columns that it leaves as they are; NULL: none */
    flo_shifts shifts;  /* of the columns that it does not pass; configure says */
    /* [D], borrowed; NULL: 0 and 1. A column that it is the first to act on is fed as
       (number - origin) * factor: what settings and messages say is of the number. */
    const double *origin, *factor;
    const bool *angles;       /* [D], of the place */
    const bool *makes_angles; /* [D], columns that leave as angles, whatever they came
                                 as; NULL: none */
    double turn; /* of those that did not come so, what a whole turn adds */
    void *state; /* of the kind, in the arena */
};

/* Makes the layer that a config node describes. The arena owns it. Local.
   FLO_ERROR_CONFIG (no kind, unknown kind, its settings), FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_bijection_create(flo_arena *arena, flo_node *node,
                                             int64_t features, int64_t context,
                                             const flo_place *place,
                                             flo_bijection **bijection);

/* The range of column j that a layer takes, and that it gives of a column of range
   `given`. Pure. Local. */
flo_range flo_bijection_takes(const flo_bijection *self, int64_t j);
flo_range flo_bijection_gives(const flo_bijection *self, int64_t j, flo_range given);

/* "numbers between 0 and 1": a range in words. Static storage. */
const char *flo_range_words(flo_range range);

/* For kinds without constants, or with nothing to prepare. */
flo_status flo_bijection_fit_nothing(const flo_bijection *self, flo_context *context,
                                     const flo_place *place, const flo_moments *moments,
                                     double *constants);
flo_status flo_bijection_prepare_nothing(flo_bijection *self, flo_context *context,
                                         const double *constants);
/* For kinds whose parameters start at zero. */
void flo_bijection_init_zero(const flo_bijection *self, flo_random_key key,
                             flo_real *theta);
/* For kinds that start the same whatever the data. */
int64_t flo_bijection_start_nothing(const flo_bijection *self,
                                    const flo_moments *moments, flo_real *theta);

#endif

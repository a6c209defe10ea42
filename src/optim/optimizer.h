/* Optimizers: the update of parameters from the summed gradient, in one pass.

   A kind is one file and one row of the table in optimizer.c. */
#ifndef FLO_OPTIM_OPTIMIZER_H
#define FLO_OPTIM_OPTIMIZER_H

#include "comm/shared_memory.h"
#include "core/layout.h"

#define FLO_OPTIMIZER_CHOICES "adam|adamw|sgd"

typedef struct flo_optimizer_settings {
    int optimizer;
    double beta1, beta2, epsilon; /* Adam */
    double weight_decay;          /* AdamW: weights of linear maps only */
    double momentum;              /* SGD */
    double clip;                  /* of the global gradient norm; 0: none */
    double average;               /* decay of the parameter average; 0: none */
} flo_optimizer_settings;

/* The numbers of one step, the same for every element. */
typedef struct flo_step_numbers {
    int64_t step;          /* from 1 */
    double rate;           /* learning rate */
    double gradient_scale; /* times the summed gradient: 1 / weight, then clipping */
} flo_step_numbers;

typedef struct flo_optimizer_kind {
    const char *name;
    int moments; /* vectors of the size of theta, at most 2 */
    /* Updates theta [n] from the summed gradient [n] and moments, each [n]. */
    void (*update)(const flo_optimizer_settings *settings,
                   const flo_step_numbers *numbers, bool decay, int64_t n,
                   const flo_real *gradient, flo_real *theta, flo_real *const *moment);
} flo_optimizer_kind;

typedef struct flo_optimizer {
    const flo_optimizer_kind *kind;
    flo_optimizer_settings settings;
    int64_t size;        /* P */
    flo_real *moment[2]; /* [P], NULL beyond kind->moments */
    flo_real *average;   /* [P], NULL without averaging */
    int64_t pieces;      /* what ranks and threads share: [begin, end), decay or not */
    struct flo_piece_of_theta {
        int64_t begin, end;
        bool decay;
    } * piece;
    double *partial; /* [pieces]: sums of squares */
    /* Where the ranks of a host share moments, average and partial (NULL: they do not):
       each updates its pieces, [first, last), and passes them to the others. */
    flo_comm *comm;
    flo_real *passed; /* [P]: theta, in that memory */
    int64_t first, last;
} flo_optimizer;

/* Makes an optimizer for parameters of this layout, in the arena, as yet without
   moments and average: flo_optimizer_take or flo_optimizer_share gives it those. Local.
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_optimizer_create(flo_arena *arena,
                                             const flo_optimizer_settings *settings,
                                             const flo_layout *parameters,
                                             flo_optimizer **optimizer);

/* How many vectors [P] moments and average are. Pure. Local. */
int flo_optimizer_vectors(const flo_optimizer *optimizer);

/* Moments and average of zeros: this rank's own, in the arena. Local. FLO_ERROR_MEMORY.
 */
FLO_MUST_USE flo_status flo_optimizer_take(flo_arena *arena, flo_optimizer *optimizer);

/* The same in memory that the ranks of a host share: *memory, for the caller to destroy
   last. Each rank updates its part for all of its host. Collective. FLO_ERROR_MEMORY,
   FLO_ERROR_FILE; agreed. */
FLO_MUST_USE flo_status flo_optimizer_share(flo_optimizer *optimizer, flo_comm *comm,
                                            flo_context *context,
                                            flo_shared_memory **memory);

/* Begins with theta [P] as the average; of one that is shared every rank sets its part.
   Local. */
void flo_optimizer_start(flo_optimizer *optimizer, const flo_real *theta);

/* Whether this rank is to read moments and average from a file: of the ranks that share
   them, one is. Local. */
bool flo_optimizer_reads(const flo_optimizer *optimizer);

/* The Euclidean norm of scale * gradient [P], the same bits on any number of ranks and
   threads. Collective over the host where its ranks share the optimizer, else Local. */
double flo_optimizer_norm(const flo_optimizer *optimizer, const flo_real *gradient,
                          double scale, int threads);

/* One step: clips by the norm, updates theta and moments, moves the average. Collective
   over the host where its ranks share the optimizer, else Local. */
void flo_optimizer_step(const flo_optimizer *optimizer, flo_step_numbers numbers,
                        double norm, const flo_real *gradient, flo_real *theta,
                        int threads);

#endif

/* The memory of one pass of rows through a flow, and the passes themselves.

   A training workspace keeps the input and cache of every layer for the backward pass;
   any other keeps two buffers in turn. Noise is drawn before a pass forward. Nothing
   here allocates after create. */
#ifndef FLO_FLOW_WORKSPACE_H
#define FLO_FLOW_WORKSPACE_H

#include "flow/flow.h"

/* A row with a value further out than this, in the units behind the layers without
   parameters, may overflow where layers mix columns, to infinities of either sign: its
   density is 0 where it cannot be computed. Nearer, NaN says that parameters are bad.
 */
#define FLO_FAR ((flo_real)1e15)

typedef struct flo_workspace {
    int64_t room;               /* most rows */
    int64_t rows;               /* B now */
    bool training;              /* dropout applies; backward is possible */
    bool fresh;                 /* of core/pass.h; not after create */
    const flo_rounded *rounded; /* borrowed; NULL: products in full, as after create */
    flo_real **value;           /* [L + 1] of [B, D]: value[0] -> .. -> value[L] */
    flo_real **cache;           /* [L + 1]; the last is the base's */
    flo_real **noise;      /* [L + 1]; without training, only of layers that dither */
    flo_real *raw_context; /* [B, C], as the data has it: flo_workspace_condition */
    flo_real *context;     /* [B, E], as the layers see it */
    flo_real *context_cache;
    flo_real *weight;      /* [B] */
    double *logdet;        /* [B], of the last pass */
    double *preprocessed;  /* [B], its part of the layers of `preprocess` */
    double *log_prob;      /* [B] */
    bool *far;             /* [B], see FLO_FAR; NULL in training */
    double *dlogdet;       /* [B] */
    flo_real *gradient[2]; /* [B, D]: by the value between layers, in turn */
    flo_real *dcontext;    /* [B, E] */
    flo_real *normals;     /* [B, normals of the base]: flo_workspace_sample */
    flo_real *uniforms;    /* [B, uniforms of the base] */
    flo_real *scratch;     /* borrowed: one a thread is enough */
} flo_workspace;

/* Reals of scratch that any layer needs for up to `rows` rows. */
int64_t flo_workspace_scratch(const flo_flow *flow, int64_t rows);

/* Makes a workspace in the arena. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_workspace_create(flo_arena *arena, const flo_flow *flow,
                                             int64_t rows, bool training,
                                             flo_real *scratch,
                                             flo_workspace *workspace);

/* Where data rows and noise rows lie: value[0] and value[L], or the reverse. */
flo_real *flo_workspace_data(const flo_flow *flow, const flo_workspace *workspace);
flo_real *flo_workspace_noise(const flo_flow *flow, const flo_workspace *workspace);

/* What layer k is handed; L: the base density. Local. */
flo_pass flo_workspace_pass(const flo_workspace *workspace, int64_t k);

/* raw_context, which is lost, through the context's layers into context, with one-hot
   columns in the place of categories (zeros for one that is not known): once for every
   set of rows, before any pass over them. logdet is lost too. Pure. Local. */
void flo_workspace_condition(const flo_flow *flow, flo_workspace *workspace);

/* Fills the noise of all layers for training: a function of (seed, step, row of the
   batch). first_row is the batch's number of row 0. Local. */
void flo_workspace_draw(const flo_flow *flow, flo_workspace *workspace, uint64_t step,
                        int64_t first_row);

/* Fills the noise that rows [begin, begin + count) need in any pass, as rows first_row
   .. of their split: a function of (seed, row of the split). Local. */
void flo_workspace_dither(const flo_flow *flow, flo_workspace *workspace, int64_t begin,
                          int64_t count, int64_t first_row);

/* The same of one layer, which dithers: noise [rows, noise of the layer]. Local. */
void flo_flow_dither(const flo_flow *flow, int64_t layer, int64_t first_row,
                     int64_t rows, flo_real *noise);

/* Fills the noise rows with base samples first_row .. first_row + rows - 1 of a stream:
   key gives seed, purpose and step. Local. */
void flo_workspace_sample(const flo_flow *flow, const flo_real *theta,
                          flo_workspace *workspace, flo_random_key key,
                          int64_t first_row, double temperature);

/* value[0] to value[L], and back; logdet is set. Pure. Local. */
void flo_flow_forward(const flo_flow *flow, const flo_real *theta,
                      flo_workspace *workspace);
void flo_flow_inverse(const flo_flow *flow, const flo_real *theta,
                      flo_workspace *workspace);

/* Layer k of flo_flow_forward, value[k] to value[k + 1], and of flo_flow_inverse, back;
   both add to logdet. Pure. Local. */
void flo_flow_forward_layer(const flo_flow *flow, const flo_real *theta,
                            flo_workspace *workspace, int64_t k);
void flo_flow_inverse_layer(const flo_flow *flow, const flo_real *theta,
                            flo_workspace *workspace, int64_t k);

/* data to noise and log_prob [B] in nats (outside of training of a finite row that is
   FLO_FAR never NaN, but -infinity); noise to data and logdet log|det dx/dz|, both
   by the way that the direction gives. Pure. Local. */
void flo_flow_log_prob(const flo_flow *flow, const flo_real *theta,
                       flo_workspace *workspace);
void flo_flow_generate(const flo_flow *flow, const flo_real *theta,
                       flo_workspace *workspace);

/* Layer k of the backward pass of flo_flow_forward: gradient[0] is by the output of
   layer k and becomes that by its input; adds to dlayer, the layer's slice. dlogdet is
   the loss's derivative by the log-determinant of each row. Layers go from L - 1 down
   to flow->fixed. Pure. Local. */
void flo_flow_backward_layer(const flo_flow *flow, const flo_real *theta,
                             flo_workspace *workspace, int64_t k, flo_real *dlayer);

/* The first layer whose output (after flo_flow_log_prob or, of a sampling flow,
   flo_flow_generate in a training workspace) is not finite; L where only the
   log-determinant or the base density is not; -1 where all is finite. Local. */
int64_t flo_flow_first_nonfinite(const flo_flow *flow, const flo_workspace *workspace);

#endif

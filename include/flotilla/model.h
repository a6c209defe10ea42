/* A trained flow: log-densities of rows, and samples. */
#ifndef FLOTILLA_MODEL_H
#define FLOTILLA_MODEL_H

#include "flotilla/context.h"
#include "flotilla/real.h"

typedef struct flo_model flo_model;

/* Opens a checkpoint file, verifying its checksum, for use on `threads` threads (0:
   one). The averaged parameters are used where the run kept them. The caller owns the
   model. Not for concurrent calls on one model. Local. FLO_ERROR_FILE,
   FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_model_open(flo_context *context, const char *path,
                                       int threads, flo_model **model);

/* Closes a model; NULL is allowed; sets the pointer to NULL. Local. */
void flo_model_close(flo_model **model);

/* Columns D of the data, columns C of the context (0: unconditional), parameters P. */
int64_t flo_model_features(const flo_model *model);
int64_t flo_model_context_features(const flo_model *model);
int64_t flo_model_parameters(const flo_model *model);

/* log_prob [rows] in nats, in the data's own units, of x [rows, D] under context [rows,
   C] (NULL where C is 0). It is a function of the model and the row alone, with the
   bits of `flotilla logprob`: `first`, the number of row 0 in its file, changes
   nothing. A row outside of what the model takes (a whole number outside of the levels,
   say) has probability zero: -infinity. One that is not finite gives NaN, and so do a
   context that the model does not take, and a row of which learned layers make no
   finite number. Categories are given as the data has them; one that was not among the
   training rows gives NaN. Local. */
void flo_model_log_prob(flo_model *model, int64_t first, int64_t rows,
                        const flo_real *x, const flo_real *context, double *log_prob);

/* The same of x [rows, D] and context [rows, C] in double. A model whose data lies far
   from 0 beside its spread, or out of the range of flo_real, takes an origin off its
   columns in double first: then this keeps digits that x loses as flo_real. Local. */
void flo_model_log_prob_double(flo_model *model, int64_t first, int64_t rows,
                               const double *x, const double *context,
                               double *log_prob);

/* A model of whole numbers (dequantize) scores a row by its mean density over `draws`
   of noise, near the probability of its bin; 0, as at first: 128 (of more than 16 such
   columns 2048 / columns, at least 8), as `flotilla logprob` has it unless it is told
   otherwise. Time grows with draws. Other models have none. Local. */
void flo_model_set_draws(flo_model *model, int64_t draws);

/* Samples first .. first + count - 1 of a seed into x [count, D] under context [count,
   C] (NULL where C is 0); NaN under a category that was not among the training rows.
   Sample i is a function of (seed, i) alone. temperature scales
   the base's spread; 1 draws from the density. Local. */
void flo_model_sample(flo_model *model, uint64_t seed, int64_t first, int64_t count,
                      double temperature, const flo_real *context, flo_real *x);

/* The same into x [count, D] in double, under context [count, C] in double. Local. */
void flo_model_sample_double(flo_model *model, uint64_t seed, int64_t first,
                             int64_t count, double temperature, const double *context,
                             double *x);

#endif

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
   C] (NULL where C is 0). A row that is not finite gives NaN, and one that the model's
   first layers do not take (a whole number outside of the levels, say) one that is not
   finite. Categories are given as the data has them; one that was not among the
   training rows gives NaN. first is the number of row 0 in its file or table: a model
   of whole numbers adds the noise of that row, and a multiple of 256 gives the bits of
   `flotilla logprob`. A row's bits do not depend on the rows beside it. Local. */
void flo_model_log_prob(flo_model *model, int64_t first, int64_t rows,
                        const flo_real *x, const flo_real *context, double *log_prob);

/* The same of x [rows, D] and context [rows, C] in double. A model whose data lies far
   from 0 beside its spread, or out of the range of flo_real, takes an origin off its
   columns in double first: then this keeps digits that x loses as flo_real. Local. */
void flo_model_log_prob_double(flo_model *model, int64_t first, int64_t rows,
                               const double *x, const double *context,
                               double *log_prob);

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

/* Rows without a finite log-density: how many of which sort, and why the first few. */
#ifndef FLO_TRAIN_UNSCORED_H
#define FLO_TRAIN_UNSCORED_H

#include "comm/comm.h"
#include "data/rows.h"
#include "flow/tiles.h"
#include "train/lowest.h"

enum { FLO_UNSCORED_LISTED = 5, FLO_UNSCORED_REASON = 200 };

typedef struct flo_unscored_row {
    int64_t row;    /* of the split */
    int64_t column; /* of the features or of the context; -1: no single one */
    bool of_context;
    double value; /* there, as the data have it */
    double log_prob;
    char reason[FLO_UNSCORED_REASON]; /* "wanted a whole number from 0 to 9" */
} flo_unscored_row;

typedef struct flo_unscored {
    int64_t zero;    /* rows of probability zero: log_prob is -infinity */
    int64_t missing; /* with a value or context that is not a finite number, or with a
                        category that the model does not know: NaN */
    int64_t lost;    /* of which the flow gives no number: NaN */
    int64_t listed;
    flo_unscored_row list[FLO_UNSCORED_LISTED]; /* the first of them; rank 0 alone */
} flo_unscored;

/* What a rank saw of them. */
typedef struct flo_unscored_watch {
    const flo_flow *flow; /* borrowed */
    int64_t count[3];     /* zero, missing, lost */
    flo_lowest first;     /* by row number */
} flo_unscored_watch;

FLO_MUST_USE flo_status flo_unscored_begin(flo_context *context, const flo_flow *flow,
                                           flo_unscored_watch *watch);
void flo_unscored_end(flo_context *context, flo_unscored_watch *watch);

/* Shows the rows of a batch, the first of which is row `first`, with their log_prob
   [batch->rows]; those of weight 0 only where `all` says so. Local. */
void flo_unscored_see(flo_unscored_watch *watch, const flo_rows *rows,
                      const flo_batch *batch, const double *log_prob, int64_t first,
                      bool all);

/* Adds up what all ranks saw, and looks at the first few again. Collective.
   FLO_ERROR_FILE, FLO_ERROR_DATA, FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_unscored_share(flo_comm *comm, flo_context *context,
                                           flo_unscored_watch *watch,
                                           const flo_flow *flow, flo_rows *rows,
                                           flo_unscored *unscored);

/* Lines for people, into text [size]; "" where there is nothing to tell. Local. */
void flo_unscored_tell(const flo_unscored *unscored, const flo_rows *rows, char *text,
                       size_t size);

/* The same as members of a JSON object (", "zero_probability_rows": 4, .."), into text
   [size]. Local. */
void flo_unscored_json(const flo_unscored *unscored, const flo_rows *rows, char *text,
                       size_t size);

#endif

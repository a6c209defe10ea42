/* Rows through the first layers of a flow, those without parameters, as fitting and the
   checks of data need it: before the flow is ready, and with what a layer refuses. */
#ifndef FLO_FLOW_FRONT_H
#define FLO_FLOW_FRONT_H

#include "flow/flow.h"

typedef struct flo_front flo_front;

/* A number that a layer does not take, or a category that the flow does not know. */
typedef struct flo_refusal {
    const flo_layer
        *layer; /* NULL: all were taken; of a category it has a name alone */
    const flo_category *category; /* NULL: it is no category */
    bool of_context;
    int64_t row;    /* of the split */
    int64_t column; /* of the data, or of its context */
    int64_t place;  /* where layers that change places have brought that column */
    double value;   /* as the layer is fed it, or where it is shifted before, itself */
} flo_refusal;

/* Memory for passing rows, in the arena; flow is borrowed. Local. FLO_ERROR_MEMORY. */
FLO_MUST_USE flo_status flo_front_create(flo_arena *arena, const flo_flow *flow,
                                         flo_front **front);

/* x [rows, D] through the first layers of the flow and context [rows, C] through the
   first of its own, in place, where categories are checked too; these must be ready
   (flow->ready) and without parameters (flow->fixed). The noise is that of rows
   first_row .. of the split. Rows of weight [rows] 0 may become anything. Where a layer
   makes a number not finite, *refusal says so, and rows from there on are left anyhow.
   Local. */
void flo_front_pass(flo_front *front, int64_t layers, int64_t context_layers,
                    int64_t first_row, int64_t rows, flo_real *x, flo_real *context,
                    const flo_real *weight, flo_refusal *refusal);

/* The column of the data, or of its context, that stands at `place` before layer k of
   its chain, which is ready up to there. Local. */
int64_t flo_front_column(flo_front *front, bool of_context, int64_t k, int64_t place);

/* What the layer of a refusal wanted, and what to do, into text [size]. Local. */
void flo_front_explain(const flo_refusal *refusal, char *text, size_t size);

#endif

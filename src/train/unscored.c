/* Rows without a finite log-density. Ranks count them and remember the first by number;
   rank 0 reads those again and sends them through the first layers, which tell what
   they refuse. */
#include "train/unscored.h"

#include "core/vector.h"
#include "flow/front.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ZERO, MISSING, LOST };

flo_status flo_unscored_begin(flo_context *context, const flo_flow *flow,
                              flo_unscored_watch *watch)
{
    *watch = (flo_unscored_watch){.flow = flow};
    return flo_lowest_create(context, FLO_UNSCORED_LISTED, &watch->first);
}

void flo_unscored_end(flo_context *context, flo_unscored_watch *watch)
{
    flo_lowest_free(context, &watch->first);
}

/* The first number of a row that is not finite: its column, or -1. */
static int64_t find_missing(int64_t columns, const flo_real *row)
{
    const int64_t at = columns ? flo_vector_first_nonfinite(columns, row) : 0;
    return at < columns ? at : -1;
}

void flo_unscored_see(flo_unscored_watch *watch, const flo_rows *rows,
                      const flo_batch *batch, const double *log_prob, int64_t first,
                      bool all)
{
    const int64_t D = flo_rows_features(rows), C = flo_rows_context_features(rows);
    for (int64_t i = 0; i < batch->rows; i++) {
        if (isfinite(log_prob[i]) || (!all && batch->weight[i] == 0))
            continue;
        const bool missing =
            find_missing(D, batch->x + i * D) >= 0 ||
            (C && find_missing(C, batch->context + i * C) >= 0) ||
            flo_categories_unknown(&watch->flow->categories, batch->context + i * C);
        watch->count[missing ? MISSING : isnan(log_prob[i]) ? LOST : ZERO]++;
        flo_lowest_see(&watch->first, (double)(first + i), log_prob[i], first + i);
    }
}

/* Rank 0's view of one row. */
typedef struct looker {
    const flo_flow *flow;
    flo_rows *rows;
    flo_front *front;
    flo_batch batch;  /* one row */
    flo_real *passed; /* [D + C], a copy that layers change */
} looker;

static flo_status prepare(flo_arena *arena, const flo_flow *flow, flo_rows *rows,
                          looker *l)
{
    const int64_t D = flow->features, C = flow->context;
    *l = (looker){.flow = flow, .rows = rows};
    FLO_TRY(flo_front_create(arena, flow, &l->front));
    FLO_TRY(flo_arena_take(arena, D, sizeof(flo_real), &l->batch.x));
    FLO_TRY(flo_arena_take(arena, C + 1, sizeof(flo_real), &l->batch.context));
    FLO_TRY(flo_arena_take(arena, 1, sizeof(flo_real), &l->batch.weight));
    return flo_arena_take(arena, D + C, sizeof(flo_real), &l->passed);
}

static void set_place(const looker *l, bool of_context, int64_t column,
                      flo_unscored_row *found)
{
    found->of_context = of_context;
    found->column = column;
    found->value = (double)(of_context ? l->batch.context : l->batch.x)[column];
    const int64_t j = of_context ? l->flow->features + column : column;
    if (l->flow->origin)
        found->value = found->value / l->flow->factor[j] + l->flow->origin[j];
}

/* What a layer says of the numbers it takes, without its advice for a training run. */
static void explain(const looker *l, const flo_refusal *refusal,
                    flo_unscored_row *found)
{
    char text[FLO_MESSAGE_BYTES];
    set_place(l, refusal->of_context, refusal->column, found);
    if (refusal->category) {
        flo_front_explain(refusal, text, sizeof text);
        snprintf(found->reason, sizeof found->reason, "%.160s", text);
        return;
    }
    const flo_range domain = refusal->layer->bijection->kind->domain;
    if (domain == FLO_WHOLE_LINE || domain == FLO_ANY_RANGE) {
        snprintf(found->reason, sizeof found->reason,
                 "layer %s makes more of it than fits into " FLO_REAL_NAME,
                 refusal->layer->name);
        return;
    }
    flo_front_explain(refusal, text, sizeof text);
    text[strcspn(text, ";")] = '\0';
    snprintf(found->reason, sizeof found->reason, "layer %.60s takes %.120s",
             refusal->layer->name, text);
}

/* Why the row in the batch has no finite density. */
static void look(looker *l, flo_unscored_row *found)
{
    const int64_t D = l->flow->features, C = l->flow->context;
    const int64_t x = find_missing(D, l->batch.x);
    const int64_t context = C ? find_missing(C, l->batch.context) : -1;
    const int64_t layers =
        l->flow->direction == FLO_DIRECTION_DENSITY ? l->flow->fixed : 0;
    const flo_real one = 1;
    flo_refusal refusal;
    found->column = -1;
    if (x >= 0 || context >= 0) {
        set_place(l, x < 0, x < 0 ? context : x, found);
        snprintf(found->reason, sizeof found->reason,
                 "missing: not a finite number that fits into " FLO_REAL_NAME);
        return;
    }
    memcpy(l->passed, l->batch.x, (size_t)D * sizeof *l->passed);
    memcpy(l->passed + D, l->batch.context, (size_t)C * sizeof *l->passed);
    flo_front_pass(l->front, layers, l->flow->context_layers, found->row, 1, l->passed,
                   l->passed + D, &one, &refusal);
    if (refusal.layer)
        explain(l, &refusal, found);
    else if (isnan(found->log_prob))
        snprintf(found->reason, sizeof found->reason,
                 "the learned layers give no finite number there: a lower scale_limit "
                 "keeps them in bounds");
    else
        snprintf(found->reason, sizeof found->reason, "the model's density is 0 there");
}

/* Rank 0 alone. */
static flo_status list_rows(flo_context *context, const flo_unscored_watch *watch,
                            const flo_flow *flow, flo_rows *rows, flo_unscored *u)
{
    looker l;
    flo_arena *arena;
    u->listed = watch->first.held;
    if (!u->listed)
        return FLO_OK;
    FLO_TRY(flo_arena_create(context, &arena));
    flo_status status = prepare(arena, flow, rows, &l);
    for (int64_t i = 0; i < u->listed && status == FLO_OK; i++) {
        u->list[i] = (flo_unscored_row){.row = (int64_t)watch->first.low[i].row,
                                        .log_prob = watch->first.low[i].weight};
        status = flo_rows_read(rows, u->list[i].row, 1, &l.batch, NULL);
        if (status == FLO_OK)
            look(&l, &u->list[i]);
    }
    flo_arena_destroy(&arena);
    return status;
}

flo_status flo_unscored_share(flo_comm *comm, flo_context *context,
                              flo_unscored_watch *watch, const flo_flow *flow,
                              flo_rows *rows, flo_unscored *u)
{
    flo_status status = FLO_OK;
    *u = (flo_unscored){.listed = 0};
    flo_comm_sum_integers(comm, watch->count, 3);
    FLO_TRY(flo_lowest_merge(comm, context, &watch->first));
    u->zero = watch->count[ZERO];
    u->missing = watch->count[MISSING];
    u->lost = watch->count[LOST];
    if (flo_comm_rank(comm) == 0)
        status = list_rows(context, watch, flow, rows, u);
    return flo_comm_agree(comm, context, status);
}

/* Another run's model as the start of this one. */
#include "train/inherit.h"

#include "flow/model_file.h"
#include "train/loaded.h"
#include "train/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Beyond these the flow gets columns that it was hardly trained on. */
static const double most_shift = 3, most_ratio = 3;

/* Where a table has a column of this name; -1: nowhere. */
static int64_t place_of(const flo_schema_table *table, const char *name)
{
    for (int64_t j = 0; j < table->count; j++)
        if (table->column[j].name && strcmp(table->column[j].name, name) == 0)
            return j;
    return -1;
}

/* The weights of a model belong to places: a column of the model's that stands
   elsewhere here is refused, one of another name told. */
static flo_status check_order(flo_trainer *t, const char *path, const char *what,
                              const flo_schema_table *theirs,
                              const flo_schema_table *ours)
{
    char wanted[600], found[600];
    int64_t renamed = -1;
    for (int64_t j = 0; j < theirs->count && j < ours->count; j++) {
        const char *const was = theirs->column[j].name, *const is =
                                                            ours->column[j].name;
        if (!was || !is || strcmp(was, is) == 0)
            continue;
        renamed = renamed < 0 ? j : renamed;
        if (place_of(ours, was) < 0)
            continue;
        flo_schema_list(theirs, wanted, sizeof wanted);
        flo_schema_list(ours, found, sizeof found);
        return flo_fail(t->context, FLO_ERROR_CONFIG,
                        "--init %s: data.%s: found %s, wanted the model's order, to "
                        "which its weights belong: %s",
                        path, what, found, wanted);
    }
    if (renamed >= 0)
        flo_report_line(t, "note: data.%s: column %lld is %s here, and %s in %s", what,
                        (long long)renamed, ours->column[renamed].name,
                        theirs->column[renamed].name, path);
    return FLO_OK;
}

static flo_status check_schema(flo_trainer *t, flo_image *image, const char *path)
{
    flo_schema *theirs;
    FLO_TRY(flo_model_schema(t->arena, image, path, &theirs));
    if (!theirs || !t->schema)
        return FLO_OK;
    FLO_TRY(check_order(t, path, "columns", &theirs->features, &t->schema->features));
    return check_order(t, path, "context", &theirs->context, &t->schema->context);
}

/* Constants and parameters of another run's model, which must have the same layers. */
static flo_status take(flo_trainer *t, const flo_model_bytes *b)
{
    flo_image *image;
    FLO_TRY(flo_image_open(t->context, b->path, b->bytes, b->size, &image));
    t->inherits_shift = flo_image_has(image, "origin");
    flo_status status =
        flo_model_give_constants(image, t->options->keep_preprocess, t->flow);
    if (status == FLO_OK)
        status = flo_model_read_vector(
            image, t->flow, flo_image_has(image, "average") ? "average" : "parameters",
            t->theta);
    if (status == FLO_OK)
        status = check_schema(t, image, b->path);
    flo_image_destroy(&image);
    char reason[FLO_MESSAGE_BYTES / 2];
    snprintf(reason, sizeof reason, "%s", flo_context_message(t->context));
    if (status == FLO_ERROR_FILE)
        return flo_fail(t->context, status,
                        "--init %s: found a model of other layers or columns, wanted "
                        "those of this config and data: %s",
                        b->path, reason);
    return status;
}

static bool is_fitted(const flo_flow *flow)
{
    for (int64_t k = 0; k < flow->context_layers; k++)
        if (flow->context_layer[k].bijection->fitted)
            return true;
    for (int64_t k = 0; k < flow->layers; k++)
        if (flow->layer[k].bijection->fitted)
            return true;
    return false;
}

static void tell(flo_trainer *t, const char *path)
{
    const char *constants = "";
    if (is_fitted(t->flow))
        constants = t->options->keep_preprocess
                        ? ", and its preprocessing as it is (--init-keep-preprocess)"
                        : "; preprocessing is fitted to this data "
                          "(--init-keep-preprocess would keep the model's)";
    flo_report_line(t, "init: parameters of %s%s", path, constants);
}

flo_status flo_inherit(flo_trainer *t)
{
    flo_model_bytes bytes;
    FLO_TRY(flo_model_bytes_read(t->comm, t->context, t->options->init, &bytes));
    flo_status status = take(t, &bytes);
    status = flo_comm_agree(t->comm, t->context, status);
    if (status == FLO_OK)
        tell(t, bytes.path);
    flo_model_bytes_free(t->context, &bytes);
    return status;
}

/* The columns of one layer that are furthest from where they were. */
typedef struct extremes {
    const char *unit;
    double shift, narrowest, widest;
    int64_t shifted, narrow, wide; /* columns as the layer is fed; -1: none */
} extremes;

static extremes find(const flo_layer *layer, const double *constants,
                     const flo_moments *moments)
{
    extremes e = {.shift = -1,
                  .narrowest = INFINITY,
                  .widest = -INFINITY,
                  .shifted = -1,
                  .narrow = -1,
                  .wide = -1};
    const flo_bijection *const b = layer->bijection;
    for (int64_t j = 0; j < b->features && b->kind->drift; j++) {
        flo_drift drift;
        if (!b->kind->drift(b, constants, moments, j, &drift))
            continue;
        e.unit = drift.unit;
        if (drift.shift > e.shift) {
            e.shift = drift.shift;
            e.shifted = j;
        }
        if (drift.ratio < e.narrowest) {
            e.narrowest = drift.ratio;
            e.narrow = j;
        }
        if (drift.ratio > e.widest) {
            e.widest = drift.ratio;
            e.wide = j;
        }
    }
    return e;
}

/* Where the column at `place` of what layer k is fed stands in the data. */
static void name_column(const flo_trainer *t, flo_front *front, bool of_context,
                        int64_t k, int64_t place, char *text, size_t size)
{
    flo_rows_tell_column(t->rows[FLO_TRAIN], of_context,
                         flo_front_column(front, of_context, k, place), text, size);
}

static void compare(flo_trainer *t, flo_front *front, bool of_context, int64_t k,
                    const flo_moments *moments)
{
    const flo_flow *const flow = t->flow;
    const flo_layer *const layer =
        of_context ? &flow->context_layer[k] : &flow->layer[k];
    const extremes e = find(layer, flow->constant + layer->constants, moments);
    char shifted[100], narrow[100], wide[100];
    if (e.shifted < 0 || e.narrow < 0)
        return;
    name_column(t, front, of_context, k, e.shifted, shifted, sizeof shifted);
    name_column(t, front, of_context, k, e.narrow, narrow, sizeof narrow);
    name_column(t, front, of_context, k, e.wide, wide, sizeof wide);
    flo_report_line(t,
                    "init: %s, this data against the model's: the largest shift is "
                    "%.3g %s, of %s%s; spreads are %.3g (%s) to %.3g "
                    "(%s) times as wide",
                    layer->name, e.shift, e.unit, of_context ? "context " : "", shifted,
                    e.narrowest, narrow, e.widest, wide);
    if (layer->given &&
        (e.shift > most_shift || e.widest > most_ratio || e.narrowest < 1 / most_ratio))
        flo_report_line(t,
                        "note: the flow was trained on columns elsewhere: without "
                        "--init-keep-preprocess %s is fitted to this data",
                        layer->name);
}

/* Whether layer k of a chain is one that waits for its moments. */
static bool waits(int64_t layers, const flo_layer *layer, int64_t k)
{
    return k < layers && layer[k].bijection->fitted;
}

void flo_inherit_compare(flo_trainer *t, flo_front *front, const flo_moments *moments)
{
    const flo_flow *const flow = t->flow;
    const int64_t D = flow->features;
    const flo_moments of_context = {.mean = moments->mean + D,
                                    .deviation = moments->deviation + D,
                                    .low = moments->low + D,
                                    .high = moments->high + D};
    const bool shifted = t->inherits_shift || t->flow->origin;
    if (!t->options->init || (shifted && !t->options->keep_preprocess))
        return; /* or constants of columns that were taken off another origin */
    if (waits(flow->context_layers, flow->context_layer, flow->context_ready))
        compare(t, front, true, flow->context_ready, &of_context);
    if (waits(flow->layers, flow->layer, flow->ready))
        compare(t, front, false, flow->ready, moments);
}

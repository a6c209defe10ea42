/* Origins by a sample of training rows: quartiles tell where a column is and how wide,
   whatever a few far numbers say. */
#include "train/origins.h"

#include "core/elementary.h"
#include "core/integers.h"
#include "flow/shift.h"
#include "train/column_scale.h"
#include "train/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 512, RUN = 8, NAME_BYTES = 200, LISTED = 8 };

/* What is looked at and found. */
typedef struct search {
    flo_trainer *trainer;
    flo_rows *rows;
    int64_t D, columns; /* D + C */
    int64_t samples;
    double *number;          /* [samples, columns] */
    double *value;           /* [samples], of one column */
    flo_column_scale *scale; /* [columns] */
    flo_shifts *shifts;      /* [columns] */
    const flo_layer **layer; /* [columns] */
} search;

static flo_status take(search *s)
{
    flo_arena *const arena = s->trainer->arena;
    FLO_TRY(flo_arena_take(arena, s->columns, sizeof *s->scale, &s->scale));
    FLO_TRY(flo_arena_take(arena, s->columns, sizeof *s->shifts, &s->shifts));
    FLO_TRY(flo_arena_take(arena, s->columns, sizeof *s->layer, (void *)&s->layer));
    flo_flow_shifts(s->trainer->flow, s->shifts, s->layer);
    return FLO_OK;
}

/* Rows evenly from the first to the last; where the file has chunks, which are decoded
   whole, some side by side. */
static int64_t sample_row(const search *s, int64_t i)
{
    const flo_source *const source = flo_rows_source(s->rows);
    const int64_t N = flo_rows_count(s->rows);
    const int64_t run = flo_source_describe(source)->chunk_rows ? RUN : 1;
    const int64_t places = s->samples / run, place = i / run;
    if (s->samples == N || places < 2)
        return i;
    return (int64_t)((double)(N - run) * (double)place / (double)(places - 1)) +
           i % run;
}

static flo_status read_sample(search *s)
{
    s->samples = flo_lesser(flo_rows_count(s->rows), SAMPLES);
    FLO_TRY(flo_allocate(s->trainer->context, s->samples * s->columns,
                         sizeof *s->number, &s->number));
    for (int64_t i = 0; i < s->samples; i++)
        FLO_TRY(
            flo_rows_read_wide(s->rows, sample_row(s, i), s->number + i * s->columns));
    return FLO_OK;
}

static flo_status look(search *s)
{
    FLO_TRY(read_sample(s));
    FLO_TRY(flo_allocate(s->trainer->context, s->samples, sizeof *s->value, &s->value));
    for (int64_t j = 0; j < s->columns; j++) {
        for (int64_t i = 0; i < s->samples; i++)
            s->value[i] = s->number[i * s->columns + j];
        s->scale[j] = flo_column_scale_find(s->samples, s->value, s->shifts[j]);
    }
    return FLO_OK;
}

static void name_column(const search *s, int64_t j, char *text)
{
    const bool of_context = j >= s->D;
    const size_t prefix =
        (size_t)snprintf(text, NAME_BYTES, "%s", of_context ? "context " : "");
    flo_rows_tell_column(s->rows, of_context, of_context ? j - s->D : j, text + prefix,
                         NAME_BYTES - prefix);
}

static void report_shifted(const search *s)
{
    char list[LISTED * (NAME_BYTES + 64)] = "", name[NAME_BYTES];
    int64_t count = 0;
    for (int64_t j = 0; j < s->columns; j++) {
        const flo_column_scale *const c = &s->scale[j];
        const size_t used = strlen(list);
        if ((c->origin == 0 && c->factor == 1) || ++count > LISTED)
            continue;
        name_column(s, j, name);
        snprintf(list + used, sizeof list - used, "%s%s (origin %.17g, scale %.6g)",
                 used ? ", " : "", name, c->origin, 1 / c->factor);
    }
    if (count)
        flo_report_line(s->trainer,
                        "data: taken off in double, before rows are kept as %s: %s%s",
                        FLO_REAL_NAME, list, count > LISTED ? " and others" : "");
}

static void report_digits(const search *s, int64_t j, const char *name)
{
    flo_report_line(
        s->trainer,
        "note: %s has numbers from %.16g to %.16g in its middle half, of which %s "
        "loses "
        "digits, and %s takes them as they are: subtract a constant in the file, or "
        "begin with preprocess: [{kind: standardize}]",
        name, s->scale[j].low, s->scale[j].high, FLO_REAL_NAME,
        s->layer[j] ? s->layer[j]->name : "the flow");
}

static void report_range(const search *s, const char *name)
{
    flo_report_line(
        s->trainer,
        "note: %s has numbers so large or so small that %s does not hold them all, by "
        "no one factor that its first layer takes: divide by a constant or take the "
        "logarithm in the file, or where all are positive begin with preprocess: "
        "[{kind: log}]",
        name, FLO_REAL_NAME);
}

/* What stays lost, and what is lost on the way out: double holds no such whole number.
 */
static void report_lost(const search *s)
{
    char name[NAME_BYTES];
    for (int64_t j = 0; j < s->columns; j++) {
        const flo_column_scale *const c = &s->scale[j];
        name_column(s, j, name);
        if (c->lost == FLO_LOST_DIGITS)
            report_digits(s, j, name);
        if (c->lost == FLO_LOST_RANGE)
            report_range(s, name);
        if (j < s->D && c->whole && fabs(c->origin) >= 0x1p53)
            flo_report_line(s->trainer,
                            "note: %s has whole numbers beyond 2^53: they are scored "
                            "as they are, but samples of it are written in double, to "
                            "the nearest %.0f",
                            name, ldexp(1, ilogb(c->origin) - 52));
    }
}

/* What rank 0 found becomes the flow's, on all. */
static flo_status share(search *s)
{
    flo_trainer *const t = s->trainer;
    double *shift;
    bool plain = true;
    flo_comm_broadcast(t->comm, s->scale, s->columns * (int64_t)sizeof *s->scale);
    flo_status status = flo_allocate(t->context, 2 * s->columns, sizeof *shift, &shift);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    for (int64_t j = 0; j < s->columns; j++) {
        shift[j] = s->scale[j].origin;
        shift[s->columns + j] = s->scale[j].factor;
        plain = plain && shift[j] == 0 && shift[s->columns + j] == 1;
    }
    if (!plain)
        status = flo_flow_shift(t->flow, shift, shift + s->columns);
    flo_free(t->context, &shift);
    return flo_comm_agree(t->comm, t->context, status);
}

static flo_status choose(flo_trainer *t)
{
    search s = {.trainer = t,
                .rows = t->rows[FLO_TRAIN],
                .D = t->flow->features,
                .columns = t->flow->features + t->flow->context};
    flo_status status = take(&s);
    if (status == FLO_OK && flo_comm_rank(t->comm) == 0)
        status = look(&s);
    flo_free(t->context, &s.number);
    flo_free(t->context, &s.value);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    FLO_TRY(share(&s));
    report_shifted(&s);
    report_lost(&s);
    return FLO_OK;
}

flo_status flo_origins_apply(const flo_flow *flow, flo_rows *rows)
{
    return flow->origin ? flo_rows_shift(rows, flow->origin, flow->factor) : FLO_OK;
}

flo_status flo_origins_apply_as_context(const flo_flow *flow, flo_rows *rows)
{
    const int64_t D = flow->features;
    return flow->origin ? flo_rows_shift(rows, flow->origin + D, flow->factor + D)
                        : FLO_OK;
}

static flo_status apply_to_all(flo_trainer *t)
{
    for (int split = FLO_TRAIN; split < FLO_SPLITS; split++)
        if (t->rows[split])
            FLO_TRY(flo_origins_apply(t->flow, t->rows[split]));
    return t->flow->origin ? flo_feed_shift(t->feed, t->flow->origin, t->flow->factor)
                           : FLO_OK;
}

flo_status flo_origins_take(flo_trainer *t)
{
    if (!t->rows[FLO_TRAIN])
        return FLO_OK;
    const bool kept = t->options->init && t->options->keep_preprocess;
    if (t->flow->ready == 0 && !kept && flo_rows_may_round(t->rows[FLO_TRAIN]))
        FLO_TRY(choose(t));
    return flo_comm_agree(t->comm, t->context, apply_to_all(t));
}

/* Categories: found in training rows or taken over; and those that a model does not
   know, in rows that it meets later. */
#include "train/categories.h"

#include "core/elementary.h"
#include "core/lane_tree.h"
#include "data/levels.h"
#include "flow/model_file.h"
#include "train/chunks.h"
#include "train/loaded.h"
#include "train/report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

static_assert((int)FLO_LEVELS_MOST >= (int)FLO_CATEGORIES_MOST, "levels hold them");

/* What is done with each chunk of rows that this rank reads. */
typedef struct reading {
    void (*see)(void *data, int64_t first, const flo_batch *batch);
    void *data;
} reading;

/* Chunks of the first `count` rows, dealt to the ranks. */
static flo_status read_rows(flo_comm *comm, flo_context *context, flo_rows *rows,
                            int64_t count, const reading *reader)
{
    flo_chunks c;
    FLO_TRY(flo_chunks_create(context, rows, &c));
    const int64_t chunks = (count + FLO_CHUNK_ROWS - 1) / FLO_CHUNK_ROWS;
    const int ranks = flo_comm_size(comm), rank = flo_comm_rank(comm);
    const int64_t last = flo_lane_first(chunks, ranks, rank + 1);
    flo_status status = FLO_OK;
    for (int64_t k = flo_lane_first(chunks, ranks, rank); k < last && status == FLO_OK;
         k++) {
        status = flo_chunks_read(&c, k);
        const int64_t first = k * FLO_CHUNK_ROWS;
        if (c.batch.rows > count - first)
            c.batch.rows = count - first;
        if (status == FLO_OK)
            reader->see(reader->data, first, &c.batch);
    }
    flo_chunks_free(&c);
    return status;
}

/* Values of category columns on their way to be counted. */
typedef struct search {
    flo_trainer *trainer;
    int64_t contexts, count;
    const int64_t *column; /* [count], of the context */
    double *value;         /* [count], of one row */
    flo_levels *levels;
} search;

static void see_values(void *data, int64_t first, const flo_batch *batch)
{
    const search *const s = data;
    (void)first;
    for (int64_t i = 0; i < batch->rows; i++) {
        if (!(batch->weight[i] > 0))
            continue;
        for (int64_t k = 0; k < s->count; k++)
            s->value[k] = (double)batch->context[i * s->contexts + s->column[k]];
        flo_levels_add(s->levels, 1, s->value);
    }
}

/* One column, whose values rank 0 has; all get them. */
static flo_status take_column(const search *s, int64_t k, flo_category *category)
{
    flo_trainer *const t = s->trainer;
    char name[300];
    const int64_t count = flo_levels_count(s->levels, k);
    flo_rows_tell_column(t->rows[FLO_TRAIN], true, s->column[k], name, sizeof name);
    const bool whole = flo_levels_are_whole(s->levels, k);
    if (!whole || count > FLO_CATEGORIES_MOST)
        return flo_fail(t->context, FLO_ERROR_DATA,
                        "data.categories: context %s has %s, wanted at most %d "
                        "different whole numbers; leave it out of data.categories to "
                        "have it as a number",
                        name,
                        whole ? "more different values" : "numbers that are not whole",
                        FLO_CATEGORIES_MOST);
    *category = (flo_category){.column = s->column[k], .count = count};
    FLO_TRY(flo_arena_take(t->arena, count, sizeof(flo_real), &category->value));
    double *value;
    FLO_TRY(flo_arena_take(t->arena, count, sizeof *value, &value));
    if (flo_comm_rank(t->comm) == 0)
        flo_levels_list(s->levels, k, value);
    for (int64_t i = 0; i < count; i++)
        category->value[i] = (flo_real)value[i];
    return FLO_OK;
}

/* Whole numbers so large are not told apart when they are read. */
static flo_status check_size(const search *s, const flo_category *category)
{
    char name[300];
    const double low = (double)category->value[0];
    const double high = (double)category->value[category->count - 1];
    const double most = 1 / (double)FLO_EPSILON;
    if (fmax(-low, high) <= most)
        return FLO_OK;
    flo_rows_tell_column(s->trainer->rows[FLO_TRAIN], true, category->column, name,
                         sizeof name);
    return flo_fail(s->trainer->context, FLO_ERROR_DATA,
                    "data.categories: context %s reaches from %.0f to %.0f, wanted "
                    "numbers up to %.0f, which %s tells apart; number the categories "
                    "anew in the file",
                    name, low, high, most, FLO_REAL_NAME);
}

static flo_status take_columns(const search *s, flo_categories *found)
{
    flo_trainer *const t = s->trainer;
    flo_status status =
        flo_arena_take(t->arena, s->count, sizeof *found->column, &found->column);
    for (int64_t k = 0; k < s->count && status == FLO_OK; k++)
        status = take_column(s, k, &found->column[k]);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    found->count = s->count;
    for (int64_t k = 0; k < s->count; k++) {
        flo_category *const category = &found->column[k];
        flo_comm_broadcast(t->comm, category->value,
                           category->count * (int64_t)sizeof *category->value);
        FLO_TRY(check_size(s, category));
    }
    return FLO_OK;
}

/* One pass over the training rows. */
static flo_status find(search *s, flo_categories *found)
{
    flo_trainer *const t = s->trainer;
    flo_rows *const rows = t->rows[FLO_TRAIN];
    const reading reader = {see_values, s};
    flo_status status = flo_arena_take(t->arena, s->count, sizeof *s->value, &s->value);
    if (status == FLO_OK)
        status = flo_levels_create(t->context, s->count, &s->levels);
    if (status == FLO_OK)
        status = read_rows(t->comm, t->context, rows, flo_rows_count(rows), &reader);
    status = flo_comm_agree(t->comm, t->context, status);
    if (status == FLO_OK)
        status = flo_levels_share(t->comm, s->levels);
    if (status == FLO_OK && flo_levels_count(s->levels, 0) == 0)
        status = flo_rows_fail_weightless(rows);
    if (status == FLO_OK)
        status = take_columns(s, found);
    flo_levels_destroy(&s->levels);
    return status;
}

/* The categories of another config; none where it has none. */
static flo_status take_over(flo_trainer *t, const flo_node *root, flo_categories *found)
{
    return flo_categories_read(t->arena, root, found->context, found);
}

/* Those of the model of --init. */
static flo_status take_from_init(flo_trainer *t, flo_categories *found)
{
    flo_model_bytes bytes;
    flo_image *image;
    flo_node *root;
    char *text;
    FLO_TRY(flo_model_bytes_read(t->comm, t->context, t->options->init, &bytes));
    flo_status status =
        flo_image_open(t->context, bytes.path, bytes.bytes, bytes.size, &image);
    if (status == FLO_OK) {
        status = flo_model_config(t->arena, image, bytes.path, &text, &root);
        flo_image_destroy(&image);
    }
    if (status == FLO_OK)
        status = take_over(t, root, found);
    flo_model_bytes_free(t->context, &bytes);
    return flo_comm_agree(t->comm, t->context, status);
}

static flo_status tell(flo_trainer *t, const flo_categories *found)
{
    char name[300], values[400], *text;
    for (int64_t i = 0; i < found->count; i++) {
        const flo_category *const category = &found->column[i];
        flo_rows_tell_column(t->rows[FLO_TRAIN], true, category->column, name,
                             sizeof name);
        flo_category_list(category, values, sizeof values);
        flo_report_line(t, "data: context %s: one-hot, %s", name, values);
    }
    FLO_TRY(flo_categories_print(t->arena, found, &text));
    return flo_node_set(t->arena, t->config.root, flo_categories_key, text, "found");
}

/* Which context columns data.categories names: [*count], rising. */
static flo_status choose(flo_trainer *t, const flo_node *setting, search *s)
{
    const int64_t C = s->contexts;
    bool *chosen;
    int64_t *column;
    FLO_TRY(flo_arena_take(t->arena, C, sizeof *chosen, &chosen));
    FLO_TRY(flo_arena_take(t->arena, C, sizeof *column, &column));
    FLO_TRY(flo_rows_choose_context(t->rows[FLO_TRAIN], setting, chosen));
    for (int64_t j = 0; j < C; j++)
        if (chosen[j])
            column[s->count++] = j;
    s->column = column;
    return FLO_OK;
}

flo_status flo_categories_settle(flo_trainer *t, const flo_node *stored)
{
    const flo_node *const setting = t->config.data.categories;
    if (!t->rows[FLO_TRAIN] || !setting ||
        flo_node_find(t->config.root, flo_categories_key))
        return FLO_OK;
    search s = {.trainer = t,
                .contexts = flo_rows_context_features(t->rows[FLO_TRAIN])};
    flo_categories found = {.context = s.contexts};
    FLO_TRY(flo_comm_agree(t->comm, t->context, choose(t, setting, &s)));
    flo_status status = FLO_OK;
    if (stored)
        status = take_over(t, stored, &found);
    else if (t->options->init)
        status = take_from_init(t, &found);
    if (status == FLO_OK && !found.count)
        status = find(&s, &found);
    if (status == FLO_OK)
        status = tell(t, &found);
    return flo_comm_agree(t->comm, t->context, status);
}

/* A look at the categories of other rows. */
typedef struct look {
    const flo_flow *flow;
    const flo_rows *rows;
    bool are_conditions;
    int64_t seen, first; /* rows with one that is not known; the first of them */
    flo_real value;
    const flo_category *category;
} look;

static void see_unknown(void *data, int64_t first, const flo_batch *batch)
{
    look *const l = data;
    const int64_t C = l->flow->context;
    const flo_real *const context = l->are_conditions ? batch->x : batch->context;
    for (int64_t i = 0; i < batch->rows; i++) {
        const flo_category *const category =
            batch->weight[i] > 0
                ? flo_categories_unknown(&l->flow->categories, context + i * C)
                : NULL;
        if (category && l->seen++ == 0) {
            l->first = first + i;
            l->category = category;
            l->value = context[i * C + category->column];
        }
    }
}

/* Of the lowest rank that saw one: its rows come first. */
static flo_status share(flo_comm *comm, flo_context *context, const look *l,
                        flo_unknown *unknown)
{
    char where[300], wanted[200];
    flo_status status = FLO_OK;
    unknown->rows = l->seen;
    flo_comm_sum_integers(comm, &unknown->rows, 1);
    if (l->seen) {
        flo_rows_locate(l->rows, l->first, !l->are_conditions, l->category->column,
                        where, sizeof where);
        flo_category_explain(l->category, wanted, sizeof wanted);
        status = flo_fail(context, FLO_ERROR_DATA, "%s: found %.9g, wanted %s", where,
                          (double)l->value, wanted);
    }
    if (flo_comm_agree(comm, context, status) != FLO_OK)
        snprintf(unknown->first, sizeof unknown->first, "%s",
                 flo_context_message(context));
    return FLO_OK;
}

flo_status flo_categories_look(flo_comm *comm, flo_context *context,
                               const flo_flow *flow, flo_rows *rows, int64_t count,
                               bool are_conditions, flo_unknown *unknown)
{
    look l = {.flow = flow, .rows = rows, .are_conditions = are_conditions};
    const reading reader = {see_unknown, &l};
    *unknown = (flo_unknown){.rows = 0};
    if (!flow->categories.count)
        return FLO_OK;
    FLO_TRY(
        flo_comm_agree(comm, context, read_rows(comm, context, rows, count, &reader)));
    return share(comm, context, &l, unknown);
}

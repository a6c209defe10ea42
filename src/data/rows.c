/* Opening a split: its source, its rows, its columns, its context and weights. */
#include "data/rows_private.h"

#include "data/spec.h"

#include <string.h>

/* Opens the context or weights beside the rows' own source, in the files that a path is
   relative to. */
static flo_status open_beside(flo_rows *rows, const flo_texts *files, const char *name,
                              const char *what, flo_source **source)
{
    FLO_TRY(flo_source_open(rows->context, files, name, source));
    if (!flo_source_describe(*source)->by_name)
        return flo_source_match(rows->data, *source, what);
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: %s data set '%s' is a %s, wanted one of plain numbers",
                    flo_source_files(*source), what, name,
                    flo_source_describe(*source)->is_group ? "group" : "table");
}

flo_status flo_rows_fill_in(flo_arena *arena, const char *path, const char *split,
                            char **filled)
{
    const char *const mark = strstr(path, FLO_SPLIT_MARK);
    if (!mark)
        return flo_arena_string(arena, path, filled);
    return flo_arena_print(arena, filled, "%.*s%s%s", (int)(mark - path), path, split,
                           mark + strlen(FLO_SPLIT_MARK));
}

/* The context columns of a data set of its own: all of them, or those of a schema. */
static flo_status choose_context(flo_rows *rows, const flo_schema *schema)
{
    flo_binding binding;
    int64_t *column;
    rows->contexts = flo_source_describe(rows->context_data)->columns;
    if (!schema)
        return FLO_OK;
    const int64_t C = rows->contexts = schema->context.count;
    FLO_TRY(flo_arena_take(rows->arena, C, sizeof *column, &column));
    FLO_TRY(flo_bind(rows->arena, rows->context_data, &schema->context,
                     "context columns", true, column, &binding));
    rows->columns.context = column;
    return flo_source_choose(rows->context_data, C, column);
}

/* Context by the settings' data set, or by columns. */
static flo_status open_context(flo_rows *rows, const flo_opening *how,
                               const flo_share *share)
{
    char *path;
    rows->contexts = rows->columns.contexts;
    if (!rows->columns.context_in)
        return FLO_OK;
    FLO_TRY(
        flo_rows_fill_in(rows->arena, rows->columns.context_in, share->name, &path));
    FLO_TRY(open_beside(rows, &share->files, path, "the context", &rows->context_data));
    return choose_context(rows, how->schema);
}

static flo_status open_weights(flo_rows *rows, const flo_share *share)
{
    char *name;
    if (!rows->columns.weight_in)
        return FLO_OK;
    FLO_TRY(flo_rows_fill_in(rows->arena, rows->columns.weight_in, share->name, &name));
    FLO_TRY(open_beside(rows, &share->files, name, "the weights", &rows->weight_data));
    const int64_t found = flo_source_describe(rows->weight_data)->columns;
    if (found == 1)
        return FLO_OK;
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: the weights data set '%s' has %lld columns, wanted one: a "
                    "weight a row",
                    flo_source_files(rows->weight_data), name, (long long)found);
}

/* Has the source give features, then context columns, then the weight column. */
static flo_status choose_columns(flo_rows *rows)
{
    const flo_columns *const columns = &rows->columns;
    const int64_t D = columns->features, C = columns->contexts;
    int64_t *chosen;
    rows->width = D + C + (columns->weight >= 0);
    FLO_TRY(flo_allocate(rows->context, rows->width, sizeof *chosen, &chosen));
    memcpy(chosen, columns->feature, (size_t)D * sizeof *chosen);
    if (C)
        memcpy(chosen + D, columns->context, (size_t)C * sizeof *chosen);
    if (columns->weight >= 0)
        chosen[D + C] = columns->weight;
    const flo_status status = flo_source_choose(rows->data, rows->width, chosen);
    flo_free(rows->context, &chosen);
    return status;
}

static flo_status refuse_empty(const flo_rows *rows, int64_t count, int64_t columns)
{
    if (count > 0 && columns > 0)
        return FLO_OK;
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: data set '%s' has %lld rows and %lld columns, wanted at "
                    "least one of each",
                    flo_rows_file(rows), flo_rows_dataset(rows), (long long)count,
                    (long long)columns);
}

static flo_status find_members(flo_rows *rows, uint64_t seed, const flo_share *share)
{
    const int64_t stored = flo_source_describe(rows->data)->rows;
    FLO_TRY(flo_membership_make(rows->arena, seed, share->low, share->high, stored,
                                &rows->membership));
    if (rows->membership.count > 0)
        return FLO_OK;
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: none of the %lld rows of data set '%s' falls to the fraction "
                    "%g that was asked for; wanted at least one: use a larger fraction "
                    "or a data set",
                    flo_rows_file(rows), (long long)stored, flo_rows_dataset(rows),
                    share->high - share->low);
}

/* A sixteenth of the memory that a rank keeps rows in, for each source that is read. */
static void limit_sources(const flo_rows *rows, int64_t memory)
{
    flo_source *const sources[] = {rows->data, rows->context_data, rows->weight_data};
    for (int i = 0; i < 3; ++i)
        if (sources[i] && memory)
            flo_source_limit(sources[i], memory / 16);
}

static flo_status find_columns(flo_rows *rows, flo_opening *how, const flo_share *share)
{
    if (how->schema)
        return flo_rows_bind(rows, how, share);
    if (how->like_features)
        FLO_TRY(flo_rows_adapt(rows, how, share));
    return flo_columns_resolve(rows->arena, &how->settings, rows->data, &rows->columns);
}

static flo_status open_all(flo_rows *rows, flo_opening *how, const flo_share *share)
{
    FLO_TRY(flo_source_open(rows->context, &share->files, share->name, &rows->data));
    const flo_source_info *const info = flo_source_describe(rows->data);
    FLO_TRY(refuse_empty(rows, info->is_group ? 1 : info->rows, info->columns));
    rows->drop = how->settings.on_bad_rows == FLO_BAD_ROWS_DROP;
    FLO_TRY(find_columns(rows, how, share));
    FLO_TRY(choose_columns(rows));
    FLO_TRY(refuse_empty(rows, info->rows, info->columns));
    FLO_TRY(find_members(rows, how->seed, share));
    FLO_TRY(open_context(rows, how, share));
    FLO_TRY(open_weights(rows, share));
    limit_sources(rows, how->settings.memory);
    return flo_rows_prepare(rows);
}

static flo_status create(flo_context *context, flo_rows **rows)
{
    flo_arena *arena;
    *rows = NULL;
    FLO_TRY(flo_arena_create(context, &arena));
    const flo_status status = flo_arena_take(arena, 1, sizeof **rows, rows);
    if (status != FLO_OK) {
        flo_arena_destroy(&arena);
        return status;
    }
    (*rows)->context = context;
    (*rows)->arena = arena;
    return FLO_OK;
}

/* A data set that stands for itself: FILE[:dataset]. Kept as written, too. */
static flo_status share_of_spec(flo_rows *rows, const char *spec, const char *usual,
                                flo_share *share)
{
    const char **file;
    *share = (flo_share){.high = 1};
    FLO_TRY(flo_arena_take(rows->arena, 1, sizeof *file, &file));
    FLO_TRY(flo_spec_cut(rows->arena, spec, file, &share->name));
    share->files = (flo_texts){1, file};
    rows->written = *file;
    return share->name ? FLO_OK
                       : flo_spec_find_dataset(rows->arena, *file, usual, &share->name);
}

/* Opens a split of the settings, or `spec`. */
static flo_status open_rows(flo_context *context, flo_opening *how, flo_split split,
                            const char *spec, flo_rows **rows)
{
    flo_share share;
    FLO_TRY(create(context, rows));
    flo_status status =
        spec ? share_of_spec(*rows, spec, how->usual, &share)
             : flo_split_find((*rows)->arena, &how->settings, split, &share);
    if (status == FLO_OK)
        status = open_all(*rows, how, &share);
    if (status != FLO_OK)
        flo_rows_close(rows);
    return status;
}

flo_status flo_rows_open(flo_context *context, const flo_data_settings *settings,
                         uint64_t seed, flo_split split, flo_rows **rows)
{
    return flo_rows_open_bound(context, settings, seed, split, NULL, rows);
}

flo_status flo_rows_open_bound(flo_context *context, const flo_data_settings *settings,
                               uint64_t seed, flo_split split, const flo_schema *schema,
                               flo_rows **rows)
{
    flo_opening how = {.settings = *settings, .seed = seed, .schema = schema};
    return open_rows(context, &how, split, NULL, rows);
}

flo_status flo_rows_open_file(flo_context *context, const char *file_spec,
                              flo_rows **rows)
{
    flo_opening how = {.settings = {.on_bad_rows = FLO_BAD_ROWS_ERROR},
                       .usual = "test"};
    return open_rows(context, &how, FLO_TRAIN, file_spec, rows);
}

flo_status flo_rows_open_train(flo_context *context, const char *file_spec,
                               flo_rows **rows)
{
    flo_opening how = {.settings = {.on_bad_rows = FLO_BAD_ROWS_ERROR},
                       .usual = "train"};
    return open_rows(context, &how, FLO_TRAIN, file_spec, rows);
}

flo_status flo_rows_open_like(flo_context *context, const flo_data_settings *settings,
                              const char *file_spec, int64_t features,
                              const flo_schema *schema, flo_rows **rows)
{
    flo_opening how = {.settings = *settings,
                       .schema = schema,
                       .is_like = true,
                       .like_features = features,
                       .usual = "test"};
    return open_rows(context, &how, FLO_TEST, file_spec, rows);
}

flo_status flo_rows_open_conditions(flo_context *context,
                                    const flo_data_settings *settings,
                                    const char *file_spec, int64_t contexts,
                                    const flo_schema *schema, flo_rows **rows)
{
    flo_schema conditions = {.weight.count = 0};
    if (schema)
        conditions.features = schema->context;
    flo_opening how = {.settings = {.columns = settings->context},
                       .schema = schema ? &conditions : NULL,
                       .is_like = true,
                       .like_features = contexts,
                       .what = "context columns",
                       .usual = "test"};
    return open_rows(context, &how, FLO_TEST, file_spec, rows);
}

void flo_rows_close(flo_rows **rows)
{
    if (!*rows)
        return;
    flo_source_close(&(*rows)->data);
    flo_source_close(&(*rows)->context_data);
    flo_source_close(&(*rows)->weight_data);
    flo_arena *arena = (*rows)->arena;
    flo_arena_destroy(&arena);
    *rows = NULL;
}

int64_t flo_rows_count(const flo_rows *rows)
{
    return rows->membership.count;
}

int64_t flo_rows_features(const flo_rows *rows)
{
    return rows->columns.features;
}

int64_t flo_rows_context_features(const flo_rows *rows)
{
    return rows->contexts;
}

const char *flo_rows_file(const flo_rows *rows)
{
    return flo_source_files(rows->data);
}

const char *flo_rows_dataset(const flo_rows *rows)
{
    return flo_source_name(rows->data);
}

const char *flo_rows_written(const flo_rows *rows)
{
    return rows->written;
}

const flo_source *flo_rows_source(const flo_rows *rows)
{
    return rows->data;
}

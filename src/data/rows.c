/* Opening a split: its source, its rows, its columns, its context and weights. */
#include "data/rows_private.h"

#include "data/spec.h"
#include "data/split.h"

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

/* A path with the split's data set in the place of {split}. */
static flo_status fill_in(flo_arena *arena, const char *path, const char *split,
                          char **filled)
{
    const char *const mark = strstr(path, FLO_SPLIT_MARK);
    if (!mark)
        return flo_arena_string(arena, path, filled);
    return flo_arena_print(arena, filled, "%.*s%s%s", (int)(mark - path), path, split,
                           mark + strlen(FLO_SPLIT_MARK));
}

/* Context by FILE:dataset, by the settings' data set, or by columns. */
static flo_status open_context(flo_rows *rows, const flo_share *share, const char *spec)
{
    flo_texts files = share->files;
    const char *file, *name;
    char *path;
    rows->contexts = rows->columns.contexts;
    if (spec) {
        FLO_TRY(flo_spec_cut(rows->arena, spec, &file, &name));
        if (!name)
            FLO_TRY(flo_spec_find_dataset(rows->arena, file, "test", &name));
        files = (flo_texts){1, &file};
    } else if (rows->columns.context_in) {
        FLO_TRY(fill_in(rows->arena, rows->columns.context_in, share->name, &path));
        name = path;
    } else
        return FLO_OK;
    FLO_TRY(open_beside(rows, &files, name, "the context", &rows->context_data));
    rows->contexts = flo_source_describe(rows->context_data)->columns;
    return FLO_OK;
}

static flo_status open_weights(flo_rows *rows, const flo_share *share)
{
    char *name;
    if (!rows->columns.weight_in)
        return FLO_OK;
    FLO_TRY(fill_in(rows->arena, rows->columns.weight_in, share->name, &name));
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

/* Whether the files of a share have the weights of the settings: as a column, or as a
   data set beside it. Those that are one data set for all belong to train. */
static flo_status has_weights(flo_rows *rows, const flo_data_settings *settings,
                              const flo_share *share, bool narrow, bool *has)
{
    const char *const path = flo_columns_path(rows->data, settings->weights);
    int64_t first;
    char *filled;
    *has = settings->weights && !narrow;
    if (!path)
        return FLO_OK;
    FLO_TRY(fill_in(rows->arena, path, share->name, &filled));
    *has = (strstr(path, FLO_SPLIT_MARK) || !strcmp(share->name, settings->train)) &&
           flo_dataset_exists(flo_source_shard(rows->data, 0, &first), filled);
    return FLO_OK;
}

/* Settings as they hold for other data: plain rows of `features` columns are what
   columns of wider ones were chosen as, and weights count where there are any. */
static flo_status adapt(flo_rows *rows, const flo_share *share, int64_t features,
                        flo_data_settings *settings)
{
    const flo_source_info *const info = flo_source_describe(rows->data);
    const bool narrow = !info->by_name && info->columns == features;
    bool has;
    FLO_TRY(has_weights(rows, settings, share, narrow, &has));
    if (!has)
        settings->weights = NULL;
    if (narrow)
        settings->columns = NULL;
    return FLO_OK;
}

/* What the split is opened by. */
typedef struct opening {
    flo_data_settings settings;
    uint64_t seed;
    const char *context_spec; /* or NULL */
    int64_t like_features;    /* 0: the settings hold as they are */
    const char *usual;        /* the data set of a spec that names none */
} opening;

/* A sixteenth of the memory that a rank keeps rows in, for each source that is read. */
static void limit_sources(const flo_rows *rows, int64_t memory)
{
    flo_source *const sources[] = {rows->data, rows->context_data, rows->weight_data};
    for (int i = 0; i < 3; ++i)
        if (sources[i] && memory)
            flo_source_limit(sources[i], memory / 16);
}

static flo_status open_all(flo_rows *rows, opening *how, const flo_share *share)
{
    FLO_TRY(flo_source_open(rows->context, &share->files, share->name, &rows->data));
    const flo_source_info *const info = flo_source_describe(rows->data);
    FLO_TRY(refuse_empty(rows, info->is_group ? 1 : info->rows, info->columns));
    if (how->like_features)
        FLO_TRY(adapt(rows, share, how->like_features, &how->settings));
    rows->drop = how->settings.on_bad_rows == FLO_BAD_ROWS_DROP;
    FLO_TRY(
        flo_columns_resolve(rows->arena, &how->settings, rows->data, &rows->columns));
    FLO_TRY(choose_columns(rows));
    FLO_TRY(refuse_empty(rows, info->rows, info->columns));
    FLO_TRY(find_members(rows, how->seed, share));
    FLO_TRY(open_context(rows, share, how->context_spec));
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
static flo_status open_rows(flo_context *context, opening *how, flo_split split,
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
    opening how = {.settings = *settings, .seed = seed};
    return open_rows(context, &how, split, NULL, rows);
}

flo_status flo_rows_open_file(flo_context *context, const char *file_spec,
                              const char *context_spec, flo_rows **rows)
{
    opening how = {.settings = {.on_bad_rows = FLO_BAD_ROWS_ERROR},
                   .context_spec = context_spec,
                   .usual = "test"};
    return open_rows(context, &how, FLO_TRAIN, file_spec, rows);
}

flo_status flo_rows_open_train(flo_context *context, const char *file_spec,
                               flo_rows **rows)
{
    opening how = {.settings = {.on_bad_rows = FLO_BAD_ROWS_ERROR}, .usual = "train"};
    return open_rows(context, &how, FLO_TRAIN, file_spec, rows);
}

flo_status flo_rows_open_like(flo_context *context, const flo_data_settings *settings,
                              const char *file_spec, int64_t features, flo_rows **rows)
{
    opening how = {.settings = *settings, .like_features = features, .usual = "test"};
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

/* Opening a split: its data set, its rows, its columns, its context and weights. */
#include "data/rows_private.h"

#include "data/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which rows of which data set a split is. */
typedef struct choice {
    const char *name;
    double low, high;
} choice;

static bool is_fraction(const char *text, double *value)
{
    char *end;
    if (!text)
        return false;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

static flo_status read_fraction(flo_context *context, const char *setting,
                                const char *text, double *fraction)
{
    if (!is_fraction(text, fraction)) {
        *fraction = 0;
        return FLO_OK;
    }
    if (*fraction > 0 && *fraction < 1)
        return FLO_OK;
    return flo_fail(context, FLO_ERROR_CONFIG,
                    "data.%s: found %s, wanted a fraction above 0 and below 1 of "
                    "data.train, or the path of a data set",
                    setting, text);
}

/* Validation takes the lowest numbers, then test; train is the rest. */
static flo_status choose(flo_context *context, const flo_data_settings *settings,
                         flo_split split, choice *chosen)
{
    double validation, test;
    FLO_TRY(read_fraction(context, "validation", settings->validation, &validation));
    FLO_TRY(read_fraction(context, "test", settings->test, &test));
    if (validation + test >= 1)
        return flo_fail(context, FLO_ERROR_CONFIG,
                        "data.validation and data.test: found the fractions %g and %g, "
                        "which leave no row to train on; wanted a sum below 1",
                        validation, test);
    const char *const names[FLO_SPLITS] = {settings->train, settings->validation,
                                           settings->test};
    static const char *const setting[FLO_SPLITS] = {"train", "validation", "test"};
    const double low[FLO_SPLITS] = {validation + test, 0, validation};
    const double fraction[FLO_SPLITS] = {0, validation, test};
    if (!names[split])
        return flo_fail(context, FLO_ERROR_CONFIG,
                        "data.%s: found null, wanted the path of a data set%s",
                        setting[split],
                        split == FLO_TRAIN ? "" : " or a fraction of data.train");
    if (split == FLO_TRAIN)
        *chosen = (choice){names[split], low[split], 1};
    else if (fraction[split] > 0)
        *chosen = (choice){settings->train, low[split], low[split] + fraction[split]};
    else
        *chosen = (choice){names[split], 0, 1};
    return FLO_OK;
}

static flo_status create(flo_context *context, const char *file, const char *name,
                         flo_rows **rows)
{
    *rows = NULL;
    flo_arena *arena;
    FLO_TRY(flo_arena_create(context, &arena));
    flo_rows *made;
    char *text = NULL;
    flo_status status = flo_arena_take(arena, 1, sizeof *made, &made);
    if (status == FLO_OK)
        status = flo_arena_string(arena, file, &text);
    if (status == FLO_OK) {
        *made = (flo_rows){.context = context, .arena = arena, .file = text};
        status = flo_arena_string(arena, name, &text);
    }
    if (status != FLO_OK) {
        flo_arena_destroy(&arena);
        return status;
    }
    made->name = text;
    *rows = made;
    return FLO_OK;
}

/* Opens a data set beside the rows' own and compares the number of rows. */
static flo_status open_beside(flo_rows *rows, const char *file, const char *name,
                              const char *what, flo_dataset **dataset)
{
    FLO_TRY(flo_dataset_open(rows->context, file, name, dataset));
    const int64_t found = flo_dataset_describe(*dataset)->rows;
    const int64_t wanted = flo_dataset_describe(rows->data)->rows;
    if (found == wanted)
        return FLO_OK;
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: %s data set '%s' has %lld rows, wanted %lld, as many as data "
                    "set '%s' of %s",
                    file, what, name, (long long)found, (long long)wanted, rows->name,
                    rows->file);
}

/* A path with the split's data set in the place of {split}. */
static flo_status fill_in(flo_arena *arena, const char *path, const char *split,
                          const char **filled)
{
    const char *const mark = strstr(path, "{split}");
    char *text;
    if (mark)
        FLO_TRY(flo_arena_print(arena, &text, "%.*s%s%s", (int)(mark - path), path,
                                split, mark + strlen("{split}")));
    else
        FLO_TRY(flo_arena_string(arena, path, &text));
    *filled = text;
    return FLO_OK;
}

/* Context by FILE:dataset, by the settings' data set, or by columns. */
static flo_status open_context(flo_rows *rows, const char *spec)
{
    rows->contexts = rows->columns.contexts;
    rows->context_file = rows->file;
    rows->context_name = rows->name;
    if (spec) {
        char file[FLO_SPEC_BYTES], name[FLO_SPEC_BYTES], *text;
        FLO_TRY(flo_spec_cut(rows->context, spec, file, name));
        FLO_TRY(flo_arena_string(rows->arena, file, &text));
        rows->context_file = text;
        FLO_TRY(flo_arena_string(rows->arena, name, &text));
        rows->context_name = text;
    } else if (rows->columns.context_in)
        FLO_TRY(fill_in(rows->arena, rows->columns.context_in, rows->name,
                        &rows->context_name));
    else
        return FLO_OK;
    FLO_TRY(open_beside(rows, rows->context_file, rows->context_name, "the context",
                        &rows->context_data));
    rows->contexts = flo_dataset_describe(rows->context_data)->columns;
    return FLO_OK;
}

static flo_status open_weights(flo_rows *rows)
{
    rows->weight_name = rows->name;
    if (!rows->columns.weight_in)
        return FLO_OK;
    FLO_TRY(
        fill_in(rows->arena, rows->columns.weight_in, rows->name, &rows->weight_name));
    FLO_TRY(open_beside(rows, rows->file, rows->weight_name, "the weights",
                        &rows->weight_data));
    const int64_t found = flo_dataset_describe(rows->weight_data)->columns;
    if (found == 1)
        return FLO_OK;
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: the weights data set '%s' has %lld columns, wanted one: a "
                    "weight a row",
                    rows->file, rows->weight_name, (long long)found);
}

static flo_status refuse_empty(const flo_rows *rows)
{
    const flo_dataset_info *const info = flo_dataset_describe(rows->data);
    if (info->rows == 0 || info->columns == 0)
        return flo_fail(rows->context, FLO_ERROR_DATA,
                        "%s: data set '%s' has %lld rows and %lld columns, wanted at "
                        "least one of each",
                        rows->file, rows->name, (long long)info->rows,
                        (long long)info->columns);
    return FLO_OK;
}

static flo_status find_members(flo_rows *rows, uint64_t seed, const choice *chosen)
{
    const int64_t stored = flo_dataset_describe(rows->data)->rows;
    FLO_TRY(flo_membership_make(rows->arena, seed, chosen->low, chosen->high, stored,
                                &rows->membership));
    if (rows->membership.count > 0)
        return FLO_OK;
    return flo_fail(rows->context, FLO_ERROR_DATA,
                    "%s: none of the %lld rows of data set '%s' falls to the fraction "
                    "%g that was asked for; wanted at least one: use a larger fraction "
                    "or a data set",
                    rows->file, (long long)stored, rows->name,
                    chosen->high - chosen->low);
}

static flo_status open_all(flo_rows *rows, const flo_data_settings *settings,
                           uint64_t seed, const choice *chosen,
                           const char *context_spec)
{
    FLO_TRY(flo_dataset_open(rows->context, rows->file, rows->name, &rows->data));
    FLO_TRY(refuse_empty(rows));
    FLO_TRY(find_members(rows, seed, chosen));
    rows->total = flo_dataset_describe(rows->data)->columns;
    rows->drop = settings->on_bad_rows == FLO_BAD_ROWS_DROP;
    char *where;
    FLO_TRY(flo_arena_print(rows->arena, &where, "%s: data set '%s'", rows->file,
                            rows->name));
    FLO_TRY(
        flo_columns_resolve(rows->arena, settings, rows->total, where, &rows->columns));
    FLO_TRY(open_context(rows, context_spec));
    FLO_TRY(open_weights(rows));
    return flo_rows_prepare(rows);
}

flo_status flo_rows_open(flo_context *context, const flo_data_settings *settings,
                         uint64_t seed, flo_split split, flo_rows **rows)
{
    *rows = NULL;
    if (settings->files.count != 1)
        return flo_fail(context, FLO_ERROR_CONFIG,
                        "data.files: found %lld files, wanted one: join them into one "
                        "file with one data set a split",
                        (long long)settings->files.count);
    choice chosen = {0};
    FLO_TRY(choose(context, settings, split, &chosen));
    FLO_TRY(create(context, settings->files.values[0], chosen.name, rows));
    const flo_status status = open_all(*rows, settings, seed, &chosen, NULL);
    if (status != FLO_OK)
        flo_rows_close(rows);
    return status;
}

flo_status flo_rows_open_file(flo_context *context, const char *file_spec,
                              const char *context_spec, flo_rows **rows)
{
    *rows = NULL;
    char file[FLO_SPEC_BYTES], name[FLO_SPEC_BYTES];
    FLO_TRY(flo_spec_cut(context, file_spec, file, name));
    FLO_TRY(create(context, file, name, rows));
    const flo_data_settings settings = {.on_bad_rows = FLO_BAD_ROWS_ERROR};
    const choice whole = {name, 0, 1};
    const flo_status status = open_all(*rows, &settings, 0, &whole, context_spec);
    if (status != FLO_OK)
        flo_rows_close(rows);
    return status;
}

/* Whether a file has the weights of the settings for a data set: as columns of it, or
   as a data set beside it. Those that are one data set for all belong to train. */
static flo_status has_weights(flo_context *context, const flo_data_settings *settings,
                              const char *file, const char *name, bool narrow,
                              bool *has)
{
    const char *const path = flo_columns_path(settings->weights), *filled;
    *has = settings->weights && !narrow;
    if (!path)
        return FLO_OK;
    flo_arena *arena;
    FLO_TRY(flo_arena_create(context, &arena));
    const flo_status status = fill_in(arena, path, name, &filled);
    const bool is_for_it = strstr(path, "{split}") || !strcmp(name, settings->train);
    if (status == FLO_OK)
        *has = is_for_it && flo_dataset_exists(file, filled);
    flo_arena_destroy(&arena);
    return status;
}

flo_status flo_rows_open_like(flo_context *context, const flo_data_settings *settings,
                              const char *file_spec, int64_t features, flo_rows **rows)
{
    *rows = NULL;
    char file[FLO_SPEC_BYTES], name[FLO_SPEC_BYTES], path[FLO_SPEC_BYTES + 1];
    double value;
    FLO_TRY(flo_spec_cut(context, file_spec, file, name));
    /* A data set called 2 is not a fraction. */
    snprintf(path, sizeof path, "%s%s", is_fraction(name, &value) ? "/" : "", name);
    const char *const files[] = {file};
    flo_data_settings like = *settings;
    like.files = (flo_texts){1, files};
    like.test = path;
    flo_dataset *data;
    FLO_TRY(flo_dataset_open(context, file, name, &data));
    const bool narrow = flo_dataset_describe(data)->columns == features;
    flo_dataset_close(&data);
    bool has;
    FLO_TRY(has_weights(context, settings, file, name, narrow, &has));
    if (!has)
        like.weights = NULL;
    if (narrow) /* it holds what columns of a wider one were chosen as */
        like.columns = NULL;
    return flo_rows_open(context, &like, 0, FLO_TEST, rows);
}

void flo_rows_close(flo_rows **rows)
{
    if (!*rows)
        return;
    flo_dataset_close(&(*rows)->data);
    flo_dataset_close(&(*rows)->context_data);
    flo_dataset_close(&(*rows)->weight_data);
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
    return rows->file;
}

const char *flo_rows_dataset(const flo_rows *rows)
{
    return rows->name;
}

const flo_dataset_info *flo_rows_describe(const flo_rows *rows)
{
    return flo_dataset_describe(rows->data);
}

/* Splits: validation takes the rows with the lowest numbers, then test; train is the
   rest. One that has a data set of its own takes none of them. */
#include "data/split.h"

#include "data/spec.h"

#include <math.h>
#include <stdlib.h>

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
                    "data.train, the path of a data set, or FILE:dataset",
                    setting, text);
}

/* A data set of data.files, or FILE:dataset; FILE: alone has train's. */
static flo_status find_named(flo_arena *arena, const flo_data_settings *settings,
                             const char *text, flo_share *share)
{
    *share = (flo_share){settings->files, text, 0, 1};
    if (!flo_spec_has_file(text))
        return FLO_OK;
    const char **file;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *file, &file));
    FLO_TRY(flo_spec_cut(arena, text, file, &share->name));
    share->files = (flo_texts){1, file};
    if (!share->name)
        share->name = settings->train;
    return FLO_OK;
}

flo_status flo_split_find(flo_arena *arena, const flo_data_settings *settings,
                          flo_split split, flo_share *share)
{
    flo_context *const context = flo_arena_context(arena);
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
        *share = (flo_share){settings->files, names[split], low[split], 1};
    else if (fraction[split] > 0)
        *share = (flo_share){settings->files, settings->train, low[split],
                             low[split] + fraction[split]};
    else
        return find_named(arena, settings, names[split], share);
    return FLO_OK;
}

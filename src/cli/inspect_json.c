/* The columns of a data set as one JSON object. */
#include "cli/inspect_data.h"

#include "run/json.h"

#include <math.h>
#include <string.h>

/* JSON has no NaN and no infinity: null. */
static void print_number(const char *key, double value)
{
    if (isfinite(value))
        printf(", \"%s\": %.17g", key, value);
    else
        printf(", \"%s\": null", key);
}

static flo_status print_text(flo_arena *arena, const char *key, const char *text)
{
    if (!text) {
        printf("\"%s\": null", key);
        return FLO_OK;
    }
    char *quoted;
    const size_t room = FLO_JSON_BYTES(strlen(text));
    FLO_TRY(flo_arena_take(arena, (int64_t)room, 1, &quoted));
    printf("\"%s\": %s", key, flo_json_quote(text, quoted, room));
    return FLO_OK;
}

static flo_status print_source(flo_arena *arena, const flo_inspection *in)
{
    const flo_source_info *const info = flo_source_describe(in->source);
    FLO_TRY(print_text(arena, "file", flo_source_files(in->source)));
    printf(", ");
    FLO_TRY(print_text(arena, "dataset", flo_source_name(in->source)));
    printf(", \"files\": %lld, \"rows\": %lld, \"columns\": %lld, ",
           (long long)info->shards, (long long)info->rows, (long long)info->columns);
    FLO_TRY(print_text(arena, "type", info->dataset->type));
    printf(", ");
    FLO_TRY(print_text(arena, "layout", info->dataset->layout));
    printf(", ");
    FLO_TRY(print_text(arena, "meaning",
                       info->dataset->meaning[0] ? info->dataset->meaning : NULL));
    printf(", \"stored_bytes\": %lld, \"chunk_rows\": %lld, \"read_by\": \"%s\"",
           (long long)info->stored_bytes, (long long)info->chunk_rows,
           info->direct ? "pread" : "H5Dread");
    return FLO_OK;
}

static void print_findings(int findings)
{
    printf(", \"findings\": [");
    for (int i = 0, count = 0; i < FLO_FINDINGS; ++i)
        if (findings & 1 << i)
            printf("%s\"%s\"", count++ ? ", " : "", flo_finding_word(1 << i));
    printf("]}");
}

static flo_status print_column(flo_arena *arena, const flo_inspection *in, int64_t j)
{
    const flo_column_profile *const c = &in->profile->column[j];
    printf("%s\n  {", j ? "," : "");
    FLO_TRY(print_text(arena, "name", flo_source_column_name(in->source, j)));
    print_number("minimum", c->low);
    print_number("maximum", c->high);
    print_number("mean", c->mean);
    print_number("standard_deviation", c->deviation);
    print_number("excess_kurtosis", c->kurtosis);
    printf(", \"nan\": %lld, \"infinite\": %lld, \"zero\": %lld, \"whole\": %s",
           (long long)c->nan, (long long)c->infinite, (long long)c->zeros,
           c->whole && c->finite ? "true" : "false");
    print_number("distinct", c->levels > FLO_LEVELS_MOST ? NAN : (double)c->levels);
    const bool repeats = c->repeats > 0;
    print_number("repeated", repeats ? c->repeated : NAN);
    print_number("repeats", repeats ? (double)c->repeats : NAN);
    print_number("copy_of", c->copy_of < 0 ? NAN : (double)c->copy_of);
    print_findings(flo_profile_findings(c));
    return FLO_OK;
}

flo_status flo_inspect_print_json(flo_arena *arena, const flo_inspection *in)
{
    printf("{");
    FLO_TRY(print_source(arena, in));
    if (in->profile) {
        printf(", \"ranks\": %d, \"block_rows\": %lld", in->ranks,
               (long long)in->profile->block_rows);
        print_number("seconds", in->profile->seconds);
        print_number("read_seconds", in->profile->read_seconds);
        printf(", \"fewer_rows_than_columns\": %s",
               in->profile->rows < in->profile->columns ? "true" : "false");
        printf(",\n \"column\": [");
        for (int64_t j = 0; j < in->profile->columns; ++j)
            FLO_TRY(print_column(arena, in, j));
        printf("]");
    }
    printf("}\n");
    return FLO_OK;
}

/* The columns of a data set as a table, and what is to be done about them. */
#include "cli/inspect_data.h"

#include <math.h>
#include <string.h>

enum {
    NARROW = 64,      /* so many columns are shown without being asked for */
    NAME_BYTES = 20,  /* of a name in the table */
    FEW_NAMES = 8,    /* of columns are said by name */
    LIST_BYTES = 200, /* of a list of columns */
};

/* In the order of their bits. */
static const struct {
    flo_finding finding;
    const char *word, *advice;
} findings[FLO_FINDINGS] = {
    {FLO_COLUMN_EMPTY, "empty", "no finite number: leave out by data.columns"},
    {FLO_COLUMN_GAPS, "gaps",
     "NaN or infinity: data.on_bad_rows: drop leaves such rows out; data.columns "
     "leaves the columns out"},
    {FLO_COLUMN_CONSTANT, "constant",
     "one number, where a density has no bound: leave out by data.columns"},
    {FLO_COLUMN_WHOLE, "whole numbers",
     "where a density has no bound: spread them by preprocess, kind: dequantize"},
    {FLO_COLUMN_LEVELS, "few levels",
     "where a density has no bound: make them whole numbers in the file, for kind: "
     "dequantize, or leave out by data.columns"},
    {FLO_COLUMN_HEAVY, "heavy tails",
     "beyond 20 standard deviations, or an excess kurtosis above 20: try preprocess, "
     "kind: log where all numbers are positive, else signed_log"},
    {FLO_COLUMN_ROUNDED, "rounded",
     "a spread so small beside the mean that " FLO_REAL_NAME
     " alone would lose digits: begin with kind: standardize, whiten or dequantize, "
     "for which training takes an origin off in double, or subtract a constant in the "
     "file; of integers beyond 2^53 more may be distinct than double tells apart here"},
    {FLO_COLUMN_REPEATED, "repeated value",
     "one number in a twentieth of the rows or more, where a density has no bound: the "
     "log-likelihood tells of that number alone; split such rows off, or make the "
     "column whole numbers for kind: dequantize"},
    {FLO_COLUMN_COPY, "copies",
     "the same numbers as an earlier column but for unit and offset, between which a "
     "density has no bound: leave out by data.columns"}};

const char *flo_finding_word(flo_finding finding)
{
    int i = 0;
    while (i < FLO_FINDINGS - 1 && findings[i].finding != finding)
        ++i;
    return findings[i].word;
}

static void print_plan(const flo_inspection *in)
{
    const flo_source_info *const info = flo_source_describe(in->source);
    const flo_profile *const profile = in->profile;
    printf("\n%s of %s: %lld rows x %lld columns, %s %s, %.1f MB\n",
           flo_source_name(in->source), flo_source_files(in->source),
           (long long)info->rows, (long long)info->columns, info->dataset->type,
           info->dataset->layout, 1e-6 * (double)info->stored_bytes);
    if (info->dataset->meaning[0])
        printf("read as the file says: %s\n", info->dataset->meaning);
    if (!profile) {
        printf("read by %s\n", info->direct ? "pread" : "H5Dread");
        return;
    }
    const double megabytes = 1e-6 * (double)info->stored_bytes;
    printf(
        "read by %s, %lld rows at a time, in %.3f s on %d rank%s: %.0f MB/s (reading "
        "alone: %.0f MB/s)\n",
        info->direct ? "pread" : "H5Dread", (long long)profile->block_rows,
        profile->seconds, in->ranks, in->ranks == 1 ? "" : "s",
        megabytes / (profile->seconds + 1e-9),
        megabytes / (profile->read_seconds + 1e-9));
}

/* A share in percent: nothing at all where it is 0, so that others are seen. */
static void print_share(int64_t count, int64_t rows)
{
    if (count == 0)
        printf(" %7s", "-");
    else
        printf(" %6.2g%%", 100 * (double)count / (double)rows);
}

static void print_heading(void)
{
    printf("\n%8s  %-*s %11s %11s %11s %11s %9s %7s %7s %7s %8s\n", "column",
           NAME_BYTES, "name", "minimum", "maximum", "mean", "deviation", "kurtosis",
           "NaN", "Inf", "zero", "distinct");
}

static void print_column(const flo_inspection *in, int64_t j)
{
    const flo_column_profile *const c = &in->profile->column[j];
    const char *const name = flo_source_column_name(in->source, j);
    printf("%8lld  %-*.*s %11.5g %11.5g %11.5g %11.5g %9.3g", (long long)j, NAME_BYTES,
           NAME_BYTES, name ? name : "", c->low, c->high, c->mean, c->deviation,
           c->kurtosis);
    print_share(c->nan, in->profile->rows);
    print_share(c->infinite, in->profile->rows);
    print_share(c->zeros, in->profile->rows);
    if (c->levels > FLO_LEVELS_MOST)
        printf("    >%d\n", FLO_LEVELS_MOST);
    else
        printf(" %8lld\n", (long long)c->levels);
}

static bool has(const flo_inspection *in, int64_t j, int finding)
{
    return flo_profile_findings(&in->profile->column[j]) & finding;
}

/* Adds text to a list that has room for LIST_BYTES; false when it has no more. */
static bool append(char *list, const char *text)
{
    const size_t used = strlen(list);
    if (used + strlen(text) + 8 > LIST_BYTES) {
        snprintf(list + used, LIST_BYTES - used, ", ..");
        return false;
    }
    snprintf(list + used, LIST_BYTES - used, "%s%s", used ? ", " : "", text);
    return true;
}

/* The columns with a finding as data.columns takes them: a few by name, else by number,
   runs as first:end. */
static void list_columns(const flo_inspection *in, int finding, int64_t count,
                         char *list)
{
    const int64_t columns = in->profile->columns;
    const bool named = count <= FEW_NAMES && flo_source_column_name(in->source, 0);
    list[0] = '\0';
    for (int64_t j = 0; j < columns; ++j) {
        char text[100];
        if (!has(in, j, finding))
            continue;
        const int64_t first = j;
        while (!named && j + 1 < columns && has(in, j + 1, finding))
            ++j;
        if (named)
            snprintf(text, sizeof text, "%.60s", flo_source_column_name(in->source, j));
        else if (first == j)
            snprintf(text, sizeof text, "%lld", (long long)j);
        else
            snprintf(text, sizeof text, "%lld:%lld", (long long)first,
                     (long long)j + 1);
        if (!append(list, text))
            return;
    }
}

/* The number that a column repeats, of the first few: "3: 0 in 60 %". */
static void print_repeats(const flo_inspection *in)
{
    int64_t shown = 0;
    for (int64_t j = 0; j < in->profile->columns && shown < FEW_NAMES; ++j) {
        const flo_column_profile *const c = &in->profile->column[j];
        if (!has(in, j, FLO_COLUMN_REPEATED))
            continue;
        printf("%s column %lld is %.6g in %.3g %% of its rows", shown++ ? "," : "  ",
               (long long)j, c->repeated, 100 * (double)c->repeats / (double)c->finite);
    }
    printf("\n");
}

/* The column that another is a copy of, of the first few. */
static void print_copies(const flo_inspection *in)
{
    int64_t shown = 0;
    for (int64_t j = 0; j < in->profile->columns && shown < FEW_NAMES; ++j)
        if (has(in, j, FLO_COLUMN_COPY))
            printf("%s column %lld of column %lld", shown++ ? "," : "  ", (long long)j,
                   (long long)in->profile->column[j].copy_of);
    printf("\n");
}

static void print_findings(const flo_inspection *in)
{
    bool headed = in->profile->rows < in->profile->columns;
    if (headed)
        printf("\nfewer rows than columns: %lld x %lld: no flow learns how so many "
               "columns depend on each other; expect independent normals, or the "
               "shrunk full one that preprocess, kind: whiten starts at\n",
               (long long)in->profile->rows, (long long)in->profile->columns);
    for (int i = 0; i < FLO_FINDINGS; ++i) {
        int64_t count = 0;
        char list[LIST_BYTES];
        for (int64_t j = 0; j < in->profile->columns; ++j)
            count += has(in, j, findings[i].finding);
        if (count == 0)
            continue;
        list_columns(in, findings[i].finding, count, list);
        printf("%s%s: %lld column%s (%s): %s\n", headed ? "" : "\n", findings[i].word,
               (long long)count, count == 1 ? "" : "s", list, findings[i].advice);
        if (findings[i].finding == FLO_COLUMN_REPEATED)
            print_repeats(in);
        if (findings[i].finding == FLO_COLUMN_COPY)
            print_copies(in);
        headed = true;
    }
    if (!headed)
        printf("\nnothing to note\n");
}

/* Of many columns: what all of them lie within. */
static void print_summary(const flo_inspection *in)
{
    double low = INFINITY, high = -INFINITY, narrowest = INFINITY, widest = 0;
    for (int64_t j = 0; j < in->profile->columns; ++j) {
        const flo_column_profile *const c = &in->profile->column[j];
        low = fmin(low, c->low);
        high = fmax(high, c->high);
        narrowest = fmin(narrowest, c->deviation);
        widest = fmax(widest, c->deviation);
    }
    printf("\nall columns: from %.5g to %.5g, standard deviations %.5g to %.5g\n", low,
           high, narrowest, widest);
}

/* All columns, or of many the first ones that have something to note. */
static void print_columns(const flo_inspection *in, bool all)
{
    const int64_t columns = in->profile->columns;
    const bool wide = columns > NARROW && !all;
    int64_t shown = 0, noted = 0;
    if (wide)
        print_summary(in);
    for (int64_t j = 0; j < columns; ++j) {
        const bool notable = flo_profile_findings(&in->profile->column[j]) != 0;
        noted += notable;
        if (wide && (!notable || shown == NARROW))
            continue;
        if (shown++ == 0)
            print_heading();
        print_column(in, j);
    }
    if (wide)
        printf("%lld of %lld columns have something to note, shown: %lld; --columns "
               "shows all columns\n",
               (long long)noted, (long long)columns, (long long)shown);
}

void flo_inspect_print_text(const flo_inspection *in, bool all_columns)
{
    print_plan(in);
    if (!in->profile)
        return;
    print_columns(in, all_columns);
    print_findings(in);
}

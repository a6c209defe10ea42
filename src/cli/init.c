/* flotilla init: a good config for a data file. */
#include "cli/verbs.h"

#include "cli/init_columns.h"
#include "cli/init_sizes.h"
#include "config/quote.h"
#include "data/rows.h"

#include <math.h>
#include <string.h>

/* The rows by which maps of columns are chosen. */
enum { SAMPLE_ROWS = 4096, SAMPLE_PLACES = 64 };

typedef struct input {
    const char *data;
} input;

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    if (key == ARGP_KEY_ARG && !in->data) {
        in->data = argument;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        return flo_cli_refuse(state, "found a second argument \"%s\", wanted one DATA",
                              argument);
    if (key == ARGP_KEY_END && !in->data)
        return flo_cli_refuse(state, "wanted DATA: FILE[:dataset]");
    return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

/* "data" of "/home/a/data.h5", "part" of "part-*.h5": names the run. */
static void run_name(const char *file, char *name, size_t size)
{
    const char *const slash = strrchr(file, '/');
    snprintf(name, size, "%s", slash ? slash + 1 : file);
    char *const dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    size_t length = strcspn(name, "*?[");
    while (name[length] && length > 1 && strchr("-_.", name[length - 1]))
        --length;
    name[length] = '\0';
    if (!name[0])
        snprintf(name, size, "flow");
}

static void write_quoted(flo_text *text, const void *what)
{
    flo_scalar_write(text, what, true);
}

/* A text as YAML takes it whatever it holds. Memory for a name is there: else it is
   left empty. */
static const char *quoted(flo_arena *arena, const char *text)
{
    char *made;
    return flo_text_make(arena, write_quoted, text, &made) == FLO_OK ? made : "\"\"";
}

/* What is known of the data when the config is written. */
typedef struct subject {
    flo_arena *arena;
    const char *file, *set; /* FILE as written, and the data set */
    const char *first;      /* the first file of a pattern */
    flo_source *source;
    flo_profile profile, other[2]; /* of the rows; of validation, test; no columns */
    flo_profile_sample sample;
    flo_init_column *column; /* [columns] */
    int64_t features;        /* columns that are not left out */
    bool gaps;
    flo_init_sizes sizes;
} subject;

static const char *const held_out[] = {"validation", "test"};

static bool is_there(const subject *s, int split)
{
    return strcmp(s->set, "train") == 0 &&
           flo_dataset_exists(s->first, held_out[split]);
}

/* Profiles of held-out rows, whose numbers must be taken too. Collective. */
static flo_status look_at_others(const flo_call *call, subject *s)
{
    for (int i = 0; i < 2; i++) {
        flo_source *source = NULL;
        if (!is_there(s, i))
            continue;
        flo_status status = flo_source_open(
            call->context, &(const flo_texts){1, &s->file}, held_out[i], &source);
        FLO_TRY(flo_comm_agree(call->comm, call->context, status));
        if (flo_source_describe(source)->columns == s->profile.columns)
            status =
                flo_profile_collect(call->comm, call->context, source, &s->other[i]);
        flo_source_close(&source);
        FLO_TRY(status);
    }
    return FLO_OK;
}

static flo_status choose(subject *s)
{
    const flo_profile *others[2];
    int64_t count = 0, columns = s->profile.columns;
    int parts = 0;
    double whole_rows;
    FLO_TRY(flo_arena_take(s->arena, columns, sizeof *s->column, &s->column));
    for (int i = 0; i < 2; i++) {
        if (s->other[i].column)
            others[count++] = &s->other[i];
        parts += !is_there(s, i);
    }
    FLO_TRY(flo_init_choose(flo_arena_context(s->arena), &s->profile, count, others,
                            &s->sample, s->column, &whole_rows));
    for (int64_t j = 0; j < columns; j++) {
        if (s->column[j].kind == FLO_INIT_OUT)
            continue;
        s->features++;
        s->gaps = s->gaps || s->profile.column[j].finite < s->profile.rows;
        for (int64_t i = 0; i < count; i++)
            s->gaps = s->gaps || others[i]->column[j].finite < others[i]->rows;
    }
    if (s->features)
        flo_init_find_sizes((int64_t)ceil((double)s->profile.rows * whole_rows), parts,
                            s->features, &s->sizes);
    return FLO_OK;
}

/* Which columns: by name where the data has them by name, else by index where some are
   left out. */
static void print_columns(const subject *s)
{
    const bool by_name = flo_source_describe(s->source)->by_name;
    const int64_t columns = s->profile.columns;
    /* `all` would be the column of that name. */
    const bool misled = flo_source_find_column(s->source, "all") >= 0;
    if (!by_name && !misled && s->features == columns)
        return;
    printf("  columns:  # take out what is no feature; see also context, categories, "
           "weights\n");
    for (int64_t c = 0; c < columns; c++) {
        const char *const name = flo_source_column_name(s->source, c);
        const char *const text = name ? quoted(s->arena, name) : "";
        if (s->column[c].kind == FLO_INIT_OUT)
            printf("    # left out: %lld %s: %s\n", (long long)c, text,
                   s->column[c].why);
        else if (by_name)
            printf("    - %s\n", text);
        else if (name)
            printf("    - %lld  # %s\n", (long long)c, text);
        else
            printf("    - %lld\n", (long long)c);
    }
}

static void print_data(const subject *s)
{
    printf("data:\n  files: [%s]\n  train: %s\n", quoted(s->arena, s->file),
           quoted(s->arena, s->set));
    for (int i = 0; i < 2; i++) {
        if (is_there(s, i))
            printf("  %s: %s\n", held_out[i], held_out[i]);
        else if (s->sizes.fraction > 0)
            printf("  %s: %g  # of the rows, by row number and seed\n", held_out[i],
                   s->sizes.fraction);
    }
    print_columns(s);
    if (s->gaps)
        printf("  on_bad_rows: drop  # rows with NaN or infinity\n");
}

/* Columns that share a layer: of one that dequantizes, or of one that bends. */
typedef bool alike(const flo_init_column *a, const flo_init_column *b);

static bool same_levels(const flo_init_column *a, const flo_init_column *b)
{
    return a->whole && b->whole && a->low == b->low && a->levels == b->levels;
}

static bool same_bend(const flo_init_column *a, const flo_init_column *b)
{
    return a->kind == b->kind && a->scale == b->scale;
}

/* One layer of `preprocess` for the features that are like column `first`, as indices
   among the features; nothing where an earlier column is like it. */
static void print_layer(const subject *s, const char *layer, int64_t first, alike *like)
{
    int64_t feature = 0, shown = 0;
    for (int64_t i = 0; i < first; i++)
        if (s->column[i].kind != FLO_INIT_OUT && like(&s->column[i], &s->column[first]))
            return;
    printf("  - {kind: %s, columns: [", layer);
    for (int64_t j = 0; j < s->profile.columns; j++) {
        const flo_init_column *const c = &s->column[j];
        if (c->kind == FLO_INIT_OUT)
            continue;
        if (like(c, &s->column[first]))
            printf("%s%lld", shown++ ? ", " : "", (long long)feature);
        feature++;
    }
    printf("]}\n");
}

static void print_levels(const subject *s)
{
    char layer[100];
    for (int64_t j = 0; j < s->profile.columns; j++) {
        const flo_init_column *const c = &s->column[j];
        if (c->kind == FLO_INIT_OUT || !c->whole)
            continue;
        snprintf(layer, sizeof layer, "dequantize, low: %lld, levels: %lld",
                 (long long)c->low, (long long)c->levels);
        print_layer(s, layer, j, same_levels);
    }
}

static void print_bends(const subject *s)
{
    char layer[100];
    for (int64_t j = 0; j < s->profile.columns; j++) {
        const flo_init_column *const c = &s->column[j];
        if (c->kind == FLO_INIT_LOG)
            print_layer(s, "log", j, same_bend);
        if (c->kind == FLO_INIT_LOGIT)
            print_layer(s, "logit", j, same_bend);
        snprintf(layer, sizeof layer, "signed_log, scale: %g", c->scale);
        if (c->kind == FLO_INIT_SIGNED)
            print_layer(s, layer, j, same_bend);
    }
}

static void print_preprocess(const subject *s)
{
    printf("preprocess:\n");
    print_levels(s);
    print_bends(s);
    if (s->features > 1 && s->features <= FLO_INIT_WHITENED)
        printf("  - {kind: whiten}  # the flow starts at the full normal\n");
    else
        printf("  - {kind: standardize}\n");
}

static void print_flow(const subject *s)
{
    const flo_init_sizes *const z = &s->sizes;
    const bool wide = s->features > 512;
    printf("flow:\n");
    switch (z->flow) {
    case FLO_INIT_AFFINE:
        printf("  layers:  # rows are few for so many columns: no more than normals\n"
               "    - {kind: elementwise_affine}\n");
        return;
    case FLO_INIT_SPLINES:
        printf("  layers:%s\n    - {kind: elementwise_spline, bins: %lld}\n"
               "    - {kind: elementwise_affine}\n",
               s->features > 1 ? "  # rows are few: the shape of each column" : "",
               (long long)z->bins);
        return;
    case FLO_INIT_SMALL:
    case FLO_INIT_LARGE:
        printf("  preset: nsf_coupling  # `flotilla inspect` shows its layers\n"
               "  steps: %lld\n  width: %lld\n  bins: %lld\n%s",
               (long long)z->steps_of_flow, (long long)z->width, (long long)z->bins,
               z->flow == FLO_INIT_SMALL ? "  mixing: none\n" : "");
        return;
    case FLO_INIT_WIDE:
        printf("  preset: realnvp  # `flotilla inspect` shows its layers\n"
               "  steps: %lld\n  width: %lld\n%s",
               (long long)z->steps_of_flow, (long long)z->width,
               wide ? "  mixing: permutation\n" : "");
        return;
    }
}

static void print_training(const flo_init_sizes *z)
{
    printf("train:\n  batch: %lld\n  lanes: %lld\n  steps: %lld\n  learning_rate: %g\n"
           "  warmup_steps: %lld\n  average: %g\n",
           (long long)z->batch, (long long)z->lanes, (long long)z->steps,
           z->learning_rate, (long long)(z->steps / 20), z->average);
    if (z->flow < FLO_INIT_LARGE)
        printf("  optimizer: adamw\n");
    printf(
        "  patience: %d  # validations without a new best: best.h5 is kept\n"
        "report:\n  every: %lld\n  validate_every: %lld\ncheckpoint:\n  every: %lld\n",
        z->flow < FLO_INIT_LARGE ? 20 : 60, (long long)z->report_every,
        (long long)z->validate_every, (long long)(z->steps / 10));
}

static flo_status print_config(subject *s)
{
    char name[256];
    if (!s->features)
        return flo_fail(flo_arena_context(s->arena), FLO_ERROR_DATA,
                        "%s: data set '%s': none of its %lld columns can be learned "
                        "(column 0: %s); `flotilla inspect` tells of each",
                        s->file, s->set, (long long)s->profile.columns,
                        s->column[0].why);
    run_name(s->file, name, sizeof name);
    char *directory;
    FLO_TRY(flo_arena_print(s->arena, &directory, "runs/%s", name));
    printf("# Made by `flotilla init` for %s, %lld rows x %lld columns.\n",
           quoted(s->arena, s->file), (long long)s->profile.rows,
           (long long)s->profile.columns);
    printf("run:\n  directory: %s\n  seed: 1\n", quoted(s->arena, directory));
    print_data(s);
    print_preprocess(s);
    print_flow(s);
    print_training(&s->sizes);
    return FLO_OK;
}

/* Looks at the data and writes. Collective. */
static flo_status init(const flo_call *call, const flo_rows *rows, subject *s)
{
    int64_t row;
    s->file = flo_rows_written(rows);
    s->set = flo_rows_dataset(rows);
    s->first = flo_source_shard(flo_rows_source(rows), 0, &row);
    flo_status status = flo_source_open(call->context, &(const flo_texts){1, &s->file},
                                        s->set, &s->source);
    FLO_TRY(flo_comm_agree(call->comm, call->context, status));
    FLO_TRY(flo_profile_collect(call->comm, call->context, s->source, &s->profile));
    FLO_TRY(look_at_others(call, s));
    status = flo_profile_sample_read(call->context, s->source, s->profile.columns,
                                     SAMPLE_ROWS, SAMPLE_PLACES, &s->sample);
    FLO_TRY(flo_comm_agree(call->comm, call->context, status));
    status = choose(s);
    if (status == FLO_OK && flo_cli_speaks(call))
        status = print_config(s);
    return flo_comm_agree(call->comm, call->context, status);
}

static flo_status run(const flo_call *call, const char *data)
{
    flo_rows *rows = NULL;
    subject s = {0};
    flo_status status = flo_arena_create(call->context, &s.arena);
    if (status == FLO_OK)
        status = flo_rows_open_train(call->context, data, &rows);
    status = flo_comm_agree(call->comm, call->context, status);
    if (status == FLO_OK)
        status = init(call, rows, &s);
    flo_profile_free(call->context, &s.profile);
    flo_profile_sample_free(call->context, &s.sample);
    for (int i = 0; i < 2; i++)
        flo_profile_free(call->context, &s.other[i]);
    flo_source_close(&s.source);
    flo_rows_close(&rows);
    flo_arena_destroy(&s.arena);
    return status;
}

flo_status flo_verb_init(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        NULL,
        parse,
        "DATA",
        "Prints a config for DATA (FILE[:dataset], by default its data set `train`) "
        "that trains well: it reads all rows, and sizes the flow and prepares the "
        "columns by what it finds. The flow starts as the full normal of the rows and "
        "is larger the more rows a column has; constants, copies and columns of many "
        "gaps are left out, and the config says why. Write it to a file and look it "
        "over.",
        0,
        0,
        0};
    input in = {.data = NULL};
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    return go_on ? run(call, in.data) : FLO_OK;
}

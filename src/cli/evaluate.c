/* flotilla evaluate: the log-likelihood of rows under a model. */
#include "cli/verbs.h"

#include "comm/watch.h"
#include "data/rows_place.h"
#include "train/evaluate.h"
#include "train/loaded.h"
#include "train/report.h"

#include <math.h>

enum { JSON = 256, DRAWS, TEXT_BYTES = 16384 };

typedef struct input {
    const char *model, *data;
    bool json;
    int64_t draws; /* 0: those of the run */
} input;

static const struct argp_option options[] = {
    {"json", JSON, 0, 0, "one JSON object instead of lines", 0},
    {"draws", DRAWS, "K", 0,
     "of whole numbers (dequantize): draws of noise that a row's score is the mean "
     "density over (report.draws of the run: 128, fewer for more than 16 such columns)",
     0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    switch (key) {
    case JSON:
        in->json = true;
        return 0;
    case DRAWS:
        return flo_cli_integer(state, "--draws", argument, 1, &in->draws);
    case ARGP_KEY_ARG:
        if (in->data)
            return flo_cli_refuse(
                state, "found a third argument \"%s\", wanted MODEL [DATA]", argument);
        *(in->model ? &in->data : &in->model) = argument;
        return 0;
    case ARGP_KEY_END:
        if (!in->model)
            return flo_cli_refuse(state,
                                  "wanted a MODEL: a run directory or a checkpoint");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Notes to people, on stderr: what is wrong with some of the rows. */
static void warn(const flo_rows *rows, const flo_evaluation *e,
                 const flo_reconstruction *r)
{
    char text[TEXT_BYTES];
    flo_unscored_tell(&e->unscored, rows, text, sizeof text);
    if (*text)
        fprintf(stderr, "%s\n", text);
    if (flo_report_is_lossy(rows, r, text, sizeof text))
        fprintf(stderr, "%s\n", text);
}

/* A figure of all rows: a number, or what it is where some have no finite density. */
static void print_figure(const char *name, double value, const char *unit)
{
    if (isfinite(value))
        printf("%-19s %.6f%s\n", name, value, unit);
    else
        printf("%-19s %s\n", name,
               isnan(value) ? "not known"
               : value < 0  ? "-inf"
                            : "inf");
}

/* The means, over all rows, and where these are not finite over those that are. */
static void print_means(const flo_evaluation *e)
{
    print_figure("log_likelihood", e->log_likelihood, " nats a row");
    if (e->nonfinite)
        printf("finite              %.6f +- %.6f nats a row over the %lld rows with a "
               "finite log-density\n",
               e->finite, e->finite_error, (long long)(e->rows - e->nonfinite));
    else
        printf("standard_error      %.6f\n"
               "preprocessed        %.6f +- %.6f, without the log-determinants of "
               "`preprocess`\n",
               e->standard_error, e->preprocessed, e->preprocessed_error);
    print_figure("bits_per_dimension", e->bits, "");
}

static void print_lowest(const flo_rows *rows, const flo_evaluation *e)
{
    int64_t row;
    const char *const file = flo_rows_file_row(rows, e->lowest_row, &row);
    if (e->lowest_row >= 0)
        printf("lowest_log_prob     %.6g (row %lld of %s)\n", e->lowest, (long long)row,
               file);
    if (e->trimmed_rows)
        printf("trimmed             %.6f without the lowest %lld rows\n", e->trimmed,
               (long long)e->trimmed_rows);
    printf("nonfinite_rows      %lld", (long long)e->nonfinite);
    if (e->nonfinite)
        printf(" (%lld of probability zero)", (long long)e->unscored.zero);
    printf("\n");
    if (e->unscored.missing)
        printf("missing_rows        %lld, not counted in rows\n",
               (long long)e->unscored.missing);
}

static void print(const flo_loaded *loaded, const flo_rows *rows,
                  const flo_evaluation *e, const flo_reconstruction *r, bool json)
{
    char text[TEXT_BYTES];
    int64_t row;
    warn(rows, e, r);
    if (json) {
        flo_report_evaluation(rows, e, r, text, sizeof text);
        printf("%s\n", text);
        return;
    }
    flo_rows_tell(rows, "test", text, sizeof text);
    printf("model               %s\n", loaded->path);
    printf("data                %s\n", text);
    printf("rows                %lld\n", (long long)e->rows);
    print_means(e);
    print_lowest(rows, e);
    if (r->row < 0)
        return;
    const char *const file = flo_rows_file_row(rows, r->row, &row);
    printf("reconstruction      %.3g standard deviations at most, over the first %lld "
           "rows (row %lld of %s, column %lld)\n",
           r->error, (long long)r->rows, (long long)row, file, (long long)r->column);
}

static flo_status evaluate(const flo_call *call, flo_arena *arena, const input *in)
{
    flo_loaded loaded;
    flo_rows *rows;
    flo_evaluation e;
    flo_reconstruction r;
    FLO_TRY(flo_loaded_read(call->comm, arena, in->model, &loaded));
    flo_watch_at(call->comm, FLO_PHASE_SCORING, 0);
    FLO_TRY(flo_loaded_rows(call->comm, arena, &loaded, in->data, &rows));
    flo_rows_keep_bad(rows, true);
    if (in->draws)
        flo_tiles_score(loaded.tiles, in->draws);
    flo_status status =
        flo_evaluate(call->comm, call->context, loaded.tiles, loaded.theta, rows, &e);
    if (status == FLO_OK)
        status = flo_reconstruct(call->comm, call->context, loaded.tiles, loaded.theta,
                                 rows, &r);
    if (status == FLO_OK && flo_cli_speaks(call))
        print(&loaded, rows, &e, &r, in->json);
    flo_rows_close(&rows);
    return status;
}

flo_status flo_verb_evaluate(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "MODEL [DATA]",
        "Mean log-likelihood, in nats a row, of DATA (FILE[:dataset]) under MODEL (a "
        "run directory or a checkpoint). Without DATA: the test set of the run. Also "
        "the reconstruction error: how far the first 10,000 rows come back from noise "
        "at most, in standard deviations of their columns.",
        0,
        0,
        0};
    input in = {.model = NULL};
    flo_arena *arena;
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (!go_on)
        return FLO_OK;
    FLO_TRY(flo_arena_create(call->context, &arena));
    const flo_status status = evaluate(call, arena, &in);
    flo_arena_destroy(&arena);
    return status;
}

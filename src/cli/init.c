/* flotilla init: a good config for a data file. */
#include "cli/verbs.h"

#include "data/rows.h"

#include <stdio.h>
#include <string.h>

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

/* Of a table or group: all columns, for some of them to be taken out. */
static void print_columns(const flo_source *source)
{
    const flo_source_info *const info = flo_source_describe(source);
    if (!info->by_name)
        return;
    printf("  columns:  # take out what is no feature; see also context and weights\n");
    for (int64_t c = 0; c < info->columns; c++)
        printf("    - \"%s\"\n", flo_source_column_name(source, c));
}

/* Another split's data set if the file has it, a tenth of the rows if there are enough.
 */
static void print_split(const char *file, const char *split, bool separate,
                        int64_t rows)
{
    if (separate && flo_dataset_exists(file, split))
        printf("  %s: %s\n", split, split);
    else if (rows >= 100)
        printf("  %s: 0.1  # a tenth of the rows, by row number and seed\n", split);
}

/* A coupling needs two columns. */
static void print_flow(int64_t D, int64_t rows)
{
    const int64_t width =
        rows >= 100000 ? (D >= 32 ? 256 : 128) : (rows >= 10000 ? 64 : 32);
    const int steps = rows >= 10000 ? 8 : 5;
    if (D == 1)
        printf("preprocess:\n  - {kind: standardize}\n"
               "flow:\n  layers:\n    - {kind: elementwise_affine}\n");
    else
        printf("flow:\n"
               "  preset: realnvp  # `flotilla inspect` shows its layers\n"
               "  steps: %d\n"
               "  width: %lld\n",
               steps, (long long)width);
}

static void print_config(const flo_rows *rows)
{
    const flo_source *const source = flo_rows_source(rows);
    const char *const file = flo_rows_written(rows), *const set =
                                                         flo_rows_dataset(rows);
    int64_t first_row;
    const char *const first = flo_source_shard(source, 0, &first_row);
    const int64_t N = flo_rows_count(rows), D = flo_rows_features(rows);
    const bool separate = strcmp(set, "train") == 0;
    const int64_t batch = N >= 20000 ? 512 : N >= 2000 ? 128 : N >= 64 ? 32 : N;
    const int64_t lanes = batch >= 16 ? 16 : batch;
    int64_t steps = 60 * N / batch;
    steps = steps < 1000 ? 1000 : steps > 20000 ? 20000 : steps / 1000 * 1000;
    char name[256];
    run_name(file, name, sizeof name);
    printf("# Made by `flotilla init` for %s:%s, %lld rows x %lld columns.\n", file,
           set, (long long)N, (long long)D);
    printf("run:\n  directory: runs/%s\n  seed: 1\n", name);
    printf("data:\n  files: [\"%s\"]\n  train: \"%s\"\n", file, set);
    print_split(first, "validation", separate, N);
    print_split(first, "test", separate, N);
    print_columns(source);
    print_flow(D, N);
    printf(
        "train:\n  batch: %lld\n  lanes: %lld\n  steps: %lld\n  learning_rate: 1e-3\n"
        "  warmup_steps: %lld\n  average: 0.999\n",
        (long long)batch, (long long)lanes, (long long)steps, (long long)(steps / 20));
    printf("report:\n  every: %lld\n  validate_every: %lld\n", (long long)(steps / 100),
           (long long)(steps / 20));
    printf("checkpoint:\n  every: %lld\n", (long long)(steps / 10));
}

flo_status flo_verb_init(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        NULL,
        parse,
        "DATA",
        "Prints a config for DATA (FILE[:dataset], by default its data set `train`) "
        "that "
        "trains well; write it to a file and look it over.",
        0,
        0,
        0};
    input in = {.data = NULL};
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (!go_on)
        return FLO_OK;
    flo_rows *rows = NULL;
    const flo_status status = flo_comm_agree(
        call->comm, call->context, flo_rows_open_train(call->context, in.data, &rows));
    if (status == FLO_OK && flo_cli_speaks(call))
        print_config(rows);
    flo_rows_close(&rows);
    return status;
}

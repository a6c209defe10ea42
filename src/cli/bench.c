/* flotilla bench: how fast a config trains, scores and samples here. */
#include "cli/predict.h"
#include "cli/verbs.h"

enum { MOST_OVERRIDES = 256, SECONDS = 256, JSON, PREDICT, SET };

typedef struct input {
    flo_train_options options;
    const char *overrides[MOST_OVERRIDES];
    double seconds;
    flo_scaling_cluster cluster; /* nodes 0: nothing to predict */
    bool json;
} input;

static const struct argp_option options[] = {
    {"seconds", SECONDS, "S", 0, "measure for about S seconds (20)", 0},
    {"json", JSON, 0, 0, "one JSON object instead of lines", 0},
    {"predict", PREDICT, "KEY=N,..", 0,
     "also print the scaling to be expected on nodes=16 of ranks= (those of this run) "
     "with gbit=10 a second and latency_us=30 between nodes, overlap= (that of this "
     "run; 0: nothing hides messages, 1: all that can be hidden is)",
     0},
    {"set", SET, "KEY=VALUE", 0, "override a setting of CONFIG, as in train", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    input *const in = state->input;
    flo_train_options *const o = &in->options;
    switch (key) {
    case SECONDS:
        return flo_cli_number(state, "--seconds", argument, &in->seconds);
    case JSON:
        in->json = true;
        return 0;
    case PREDICT:
        return flo_cli_cluster(state, argument, &in->cluster);
    case SET:
        if (o->override_count == MOST_OVERRIDES)
            return flo_cli_refuse(state, "--set: at most %d of them", MOST_OVERRIDES);
        in->overrides[o->override_count++] = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (o->config)
            return flo_cli_refuse(state, "found a second CONFIG \"%s\", wanted one",
                                  argument);
        o->config = argument;
        return 0;
    case ARGP_KEY_END:
        if (!o->config)
            return flo_cli_refuse(state, "wanted a CONFIG");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_rate(const char *name, double rows, double fraction)
{
    printf("%-9s %9.4g rows/s, %.3f of the rate of the BLAS\n", name, rows, fraction);
}

static void print(const flo_bench *b, const flo_scaling_cluster *cluster)
{
    const flo_bench_phases *const p = &b->phases;
    printf("ranks     %d x %d threads; %lld parameters, %.4g multiply-adds a row's "
           "density\n",
           b->ranks, b->threads, (long long)b->parameters, b->row_work);
    printf("products  %.4g GFLOP/s a thread by the BLAS at 512 x 512 x 512, %.4g by "
           "our own; %.4g in a step\n",
           b->gemm_gflops, b->own_gflops, b->step_gflops);
    print_rate("train", b->train_rows, b->train_fraction);
    print_rate("evaluate", b->evaluate_rows, b->evaluate_fraction);
    print_rate("sample", b->sample_rows, b->sample_fraction);
    printf("a step    %lld rows, %.4g ms: products %.1f %%, other arithmetic %.1f %%, "
           "optimizer %.1f %%, messages %.1f %%, waiting for rows %.1f %%\n",
           (long long)b->batch, 1e3 * b->step_seconds, 100 * p->products,
           100 * p->elementwise, 100 * p->optimizer, 100 * p->messages, 100 * p->data);
    printf("start     %.3g s to the end of the first step, %.4g MB at most\n",
           b->start_seconds, 1e-6 * (double)b->peak_bytes);
    printf("medians of %lld rounds\n", (long long)b->rounds);
    if (cluster->nodes)
        flo_cli_print_scaling(b, cluster);
}

static void print_json(const flo_bench *b, const flo_scaling_cluster *cluster)
{
    const flo_bench_phases *const p = &b->phases;
    printf("{\"ranks\": %d, \"threads\": %d, \"parameters\": %lld, \"batch\": %lld, "
           "\"rounds\": %lld, \"multiply_adds_per_row\": %.10g, ",
           b->ranks, b->threads, (long long)b->parameters, (long long)b->batch,
           (long long)b->rounds, b->row_work);
    printf("\"gemm_gflops\": %.6g, \"own_gflops\": %.6g, \"step_gflops\": %.6g, ",
           b->gemm_gflops, b->own_gflops, b->step_gflops);
    printf("\"train_rows_per_second\": %.6g, \"evaluate_rows_per_second\": %.6g, "
           "\"sample_rows_per_second\": %.6g, ",
           b->train_rows, b->evaluate_rows, b->sample_rows);
    printf("\"train_fraction_of_gemm\": %.6g, \"evaluate_fraction_of_gemm\": %.6g, "
           "\"sample_fraction_of_gemm\": %.6g, ",
           b->train_fraction, b->evaluate_fraction, b->sample_fraction);
    printf("\"step_seconds\": %.6g, \"products\": %.6g, \"elementwise\": %.6g, "
           "\"optimizer\": %.6g, \"messages\": %.6g, \"data\": %.6g, ",
           b->step_seconds, p->products, p->elementwise, p->optimizer, p->messages,
           p->data);
    printf("\"lanes\": %lld, \"buckets\": %lld, \"start_seconds\": %.6g, "
           "\"peak_bytes\": %lld, \"exposed_seconds\": %.6g, \"held_seconds\": %.6g",
           (long long)b->lanes, (long long)b->buckets, b->start_seconds,
           (long long)b->peak_bytes, b->exposed_seconds, b->held_seconds);
    if (cluster->nodes) {
        printf(", \"prediction\": ");
        flo_cli_print_scaling_json(b, cluster);
    }
    printf("}\n");
}

flo_status flo_verb_bench(const flo_call *call, int *exit_code)
{
    static const struct argp argp = {
        options,
        parse,
        "CONFIG",
        "Measures how many rows a second CONFIG trains on, scores and draws with these "
        "ranks and threads, each also as a fraction of the rate of the machine's own "
        "matrix products: operations that the flow cannot do without, by those of 512 "
        "x 512 x 512. Writes nothing.",
        0,
        0,
        0};
    input in = {.seconds = 20};
    flo_bench bench;
    bool go_on;
    flo_cli_parse(call, &argp, &in, &go_on, exit_code);
    if (!go_on)
        return FLO_OK;
    in.options.overrides = in.overrides;
    in.options.unwritten = true;
    in.options.quiet = true;
    FLO_TRY(flo_bench_measure(call->comm, call->context, &in.options,
                              call->began_seconds, in.seconds, &bench));
    if (flo_cli_speaks(call))
        (in.json ? print_json : print)(&bench, &in.cluster);
    return FLO_OK;
}

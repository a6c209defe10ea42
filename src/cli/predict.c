/* bench --predict: a cluster from its option, and what a run would do there. */
#include "cli/predict.h"

#include "core/integers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Backward is the gradient by inputs and that by weights, forward one product alike. */
static const double backward_share = 2.0 / 3;

typedef struct number {
    const char *key;
    double least, most, value;
    bool whole;
} number;

static error_t read_number(const struct argp_state *state, const char *text,
                           size_t length, number *n)
{
    const size_t key = strlen(n->key);
    char *end;
    const double value = strtod(text + key + 1, &end);
    if (end != text + length || length == key + 1 ||
        !(value >= n->least && value <= n->most) || (n->whole && value != floor(value)))
        return flo_cli_refuse(
            state, "--predict: found \"%.*s\", wanted a%s number from %g to %g",
            (int)length, text, n->whole ? " whole" : "", n->least, n->most);
    n->value = value;
    return 0;
}

error_t flo_cli_cluster(const struct argp_state *state, const char *text,
                        flo_scaling_cluster *cluster)
{
    enum { NODES, RANKS, GBIT, LATENCY, OVERLAP, KEYS };
    number all[KEYS] = {[NODES] = {"nodes", 1, 65536, 16, true},
                        [RANKS] = {"ranks", 1, 4096, 0, true},
                        [GBIT] = {"gbit", 1e-3, 1e5, 10, false},
                        [LATENCY] = {"latency_us", 0, 1e6, 30, false},
                        [OVERLAP] = {"overlap", 0, 1, -1, false}};
    for (size_t length; *text; text += length + (text[length] == ',')) {
        length = strcspn(text, ",");
        number *found = NULL;
        for (int i = 0; i < KEYS && !found; i++) {
            const size_t key = strlen(all[i].key);
            if (strncmp(text, all[i].key, key) == 0 && text[key] == '=')
                found = &all[i];
        }
        if (!found)
            return flo_cli_refuse(
                state,
                "--predict: found \"%.*s\", wanted nodes=, ranks= (of "
                "a node), gbit=, latency_us= or overlap=",
                (int)length, text);
        const error_t error = read_number(state, text, length, found);
        if (error)
            return error;
    }
    *cluster = (flo_scaling_cluster){.nodes = (int64_t)all[NODES].value,
                                     .ranks = (int64_t)all[RANKS].value,
                                     .gbit = all[GBIT].value,
                                     .latency_us = all[LATENCY].value,
                                     .overlap = all[OVERLAP].value};
    return 0;
}

/* Of a rank here. Waiting for rows is left out, waiting for the other ranks here kept
   as a time of every step. */
static flo_scaling_step measured(const flo_bench *b)
{
    const double kept = b->phases.products + b->phases.elementwise;
    return (flo_scaling_step){
        .row_seconds = kept * b->step_seconds * b->ranks / (double)b->batch,
        .update_seconds = (b->phases.optimizer + b->phases.messages) * b->step_seconds,
        .backward = backward_share,
        .bytes = b->parameters * (int64_t)sizeof(flo_real),
        .buckets = b->buckets,
        .lanes = b->lanes,
        .threads = b->threads};
}

/* Messages that take less of a pass, in shared memory say, are lost in the noise: they
   tell nothing of the overlap. */
static const double least_held = 0.05;

static double pass_seconds(const flo_bench *b)
{
    return (b->phases.products + b->phases.elementwise) * b->step_seconds;
}

static bool tells_overlap(const flo_bench *b)
{
    return b->held_seconds > least_held * pass_seconds(b);
}

/* The cluster, where it was left open as in the run. */
static flo_scaling_cluster completed(const flo_bench *b, const flo_scaling_cluster *to)
{
    flo_scaling_cluster c = *to;
    c.ranks = to->ranks ? to->ranks : b->ranks;
    if (to->overlap < 0)
        c.overlap =
            tells_overlap(b)
                ? flo_scaling_overlap(b->buckets, backward_share * pass_seconds(b),
                                      b->held_seconds, b->exposed_seconds)
                : 1;
    return c;
}

/* One line of a table: a number of nodes. */
typedef struct line {
    int64_t nodes;
    double rows; /* of a step */
    flo_scaling_point point;
    double efficiency; /* rows a second and node, of those on one node */
} line;

typedef void (*line_printer)(const line *l);

static void for_each(const flo_bench *b, const flo_scaling_cluster *to, bool weak,
                     line_printer print)
{
    const flo_scaling_step step = measured(b);
    flo_scaling_cluster c = completed(b, to);
    double alone = 0;
    for (c.nodes = 1;; c.nodes = flo_lesser(2 * c.nodes, to->nodes)) {
        const double own = (double)b->batch / b->ranks; /* rows of a rank, here */
        line l = {.nodes = c.nodes,
                  .rows = weak ? own * (double)(c.nodes * c.ranks) : (double)b->batch};
        l.point = flo_scaling_predict(&step, &c, l.rows);
        const double rate = l.rows / l.point.step_seconds / (double)c.nodes;
        alone = c.nodes == 1 ? rate : alone;
        l.efficiency = rate / alone;
        print(&l);
        if (c.nodes == to->nodes)
            break;
    }
}

static void print_line(const line *l)
{
    const flo_scaling_point *const p = &l->point;
    printf("%5lld  %9.0f  %9.3f  %9.3f  %9.3f  %10.0f  %10.3f\n", (long long)l->nodes,
           l->rows, 1e3 * p->compute_seconds, 1e3 * p->exchange_seconds,
           1e3 * p->exposed_seconds, l->rows / p->step_seconds, l->efficiency);
}

void flo_cli_print_scaling(const flo_bench *b, const flo_scaling_cluster *c)
{
    static const char head[] = "nodes   rows/step compute ms  messages ms    exposed "
                               "ms      rows/s  efficiency";
    const flo_scaling_step s = measured(b);
    const flo_scaling_cluster given = completed(b, c);
    printf(
        "\nPredicted for %lld ranks x %d threads a node, %g Gbit/s and %g us between "
        "nodes:\nstrong scaling, %lld rows a step in all\n%s\n",
        (long long)given.ranks, b->threads, c->gbit, c->latency_us, (long long)b->batch,
        head);
    for_each(b, c, false, print_line);
    printf("weak scaling, %.0f rows a step and rank\n%s\n", (double)b->batch / b->ranks,
           head);
    for_each(b, c, true, print_line);
    printf(
        "Assumed: a rank there computes a row in the %.4g us, and updates parameters "
        "in the %.4g ms, that it takes here, however few rows it has; rows never wait "
        "for the disk; %.4g MB of gradients leave in %lld equal bucket%s "
        "(comm.bucket_mb), %.0f %% of a pass is backward, which hides %.0f %% of what "
        "it can of the messages (overlap=%s); "
        "messages are sent one after the other, ranks of a node share its link and "
        "each sends its part, and the links are all that is shared; at least one lane "
        "a thread.\n",
        1e6 * s.row_seconds, 1e3 * s.update_seconds, 1e-6 * (double)s.bytes,
        (long long)s.buckets, s.buckets == 1 ? "" : "s", 100 * s.backward,
        100 * given.overlap,
        c->overlap >= 0    ? ""
        : tells_overlap(b) ? ", as here"
                           : ", all, where messages here are too short to tell");
}

static void print_json_line(const line *l)
{
    const flo_scaling_point *const p = &l->point;
    printf("%s{\"nodes\": %lld, \"rows_per_step\": %.10g, \"compute_seconds\": %.6g, "
           "\"exchange_seconds\": %.6g, \"exposed_seconds\": %.6g, "
           "\"rows_per_second\": %.6g, \"efficiency\": %.6g}",
           l->nodes == 1 ? "" : ", ", (long long)l->nodes, l->rows, p->compute_seconds,
           p->exchange_seconds, p->exposed_seconds, l->rows / p->step_seconds,
           l->efficiency);
}

void flo_cli_print_scaling_json(const flo_bench *b, const flo_scaling_cluster *c)
{
    printf("{\"overlap\": %.4g, \"strong\": [", completed(b, c).overlap);
    for_each(b, c, false, print_json_line);
    printf("], \"weak\": [");
    for_each(b, c, true, print_json_line);
    printf("]}");
}

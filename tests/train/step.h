/* For tests of gradients: everything that one step of training takes. */
#ifndef FLO_TESTS_TRAIN_STEP_H
#define FLO_TESTS_TRAIN_STEP_H

#include "train/gradient.h"

#include "data/example.h"
#include "data/plan.h"
#include "flow/build.h"

enum { STEP_D = 3, STEP_C = 2, STEP_ROWS = 97, STEP_BATCH = 40 };

typedef struct step {
    example e;
    fixture f; /* the same context and arena */
    flo_comm *comm;
    flo_rows *rows;
    flo_lane_plan plan;
    flo_feed *feed;
    flo_objective *objective;
    flo_flow *flow;
    int64_t P, number; /* of the step */
    flo_real *theta;
    flo_gradient *gradient;
    double value[64], weight[64];
} step;

/* Normal columns and context, weights in (0, 2) with every fifth 0. */
static inline void step_write_data(const example *e)
{
    enum { COLUMNS = STEP_D + STEP_C + 1 };
    double values[STEP_ROWS * COLUMNS];
    draw_doubles(8, STEP_ROWS * COLUMNS, values);
    for (int64_t i = 0; i < STEP_ROWS; i++) {
        double *const weight = &values[i * COLUMNS + COLUMNS - 1];
        *weight = i % 5 ? 1 + tanh(*weight) : 0;
    }
    scratch_matrix(e->path, "train", H5T_IEEE_F64LE, STEP_ROWS, COLUMNS, values);
}

static inline void step_open_data(step *s, int64_t lanes)
{
    const flo_data_settings settings =
        example_settings(&s->e, "context: [3, 4], weights: 5");
    assert_int_equal(flo_rows_open(s->e.context, &settings, 1, FLO_TRAIN, &s->rows),
                     FLO_OK);
    const flo_feed_task task = {
        .rows = s->rows, .settings = &settings, .plan = &s->plan, .last_lane = lanes};
    assert_int_equal(flo_feed_create(s->e.context, &task, &s->feed), FLO_OK);
    assert_int_equal(flo_feed_prepare(s->feed, s->number), FLO_OK);
}

static inline void step_gradient(step *s, int threads, double bucket_mb)
{
    const flo_gradient_task task = {.objective = s->objective,
                                    .flow = s->flow,
                                    .feed = s->feed,
                                    .plan = &s->plan,
                                    .threads = threads,
                                    .bucket_mb = bucket_mb};
    assert_int_equal(flo_gradient_create(s->comm, s->e.arena, &task, &s->gradient),
                     FLO_OK);
}

/* A step of the objective in `yaml` (likelihood where it names none), on all ranks. */
static inline void step_create_on_ranks(step *s, const char *yaml, int64_t lanes,
                                        int threads, double bucket_mb)
{
    *s = (step){.number = 2};
    example_create(&s->e);
    s->f = (fixture){s->e.context, s->e.arena};
    assert_int_equal(flo_comm_start(s->e.context, NULL, NULL, &s->comm), FLO_OK);
    s->plan = (flo_lane_plan)PLAN(STEP_ROWS, lanes, STEP_BATCH, 3, STEP_ROWS, 4);
    flo_node *const root = parse(&s->f, yaml);
    assert_int_equal(flo_objective_create(s->e.arena, root, &s->objective), FLO_OK);
    if (s->objective->kind->uses_data) {
        step_write_data(&s->e);
        step_open_data(s, lanes);
    }
    s->flow = build_flow(&s->f, yaml, STEP_D, s->feed ? STEP_C : 0);
    assert_int_equal(flo_objective_check(s->objective, s->e.arena, root, s->flow),
                     FLO_OK);
    s->P = s->flow->parameters.size;
    s->theta = build_theta(&s->f, s->flow);
    step_gradient(s, threads, bucket_mb);
}

/* The same on one rank, whatever started the program. */
static inline void step_create(step *s, const char *yaml, int64_t lanes, int threads,
                               double bucket_mb)
{
    static const char *const launchers[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK",
                                            "PMI_RANK", "PMI_SIZE",
                                            "SLURM_STEP_NUM_TASKS"};
    for (int i = 0; i < 5; i++)
        unsetenv(launchers[i]);
    step_create_on_ranks(s, yaml, lanes, threads, bucket_mb);
}

/* Computes; returns the rows that are not finite. */
static inline int64_t step_compute(step *s)
{
    return flo_gradient_compute(s->gradient, s->theta, s->number, s->value, s->weight);
}

static inline void step_destroy(step *s)
{
    flo_gradient_destroy(&s->gradient);
    flo_feed_destroy(&s->feed);
    flo_rows_close(&s->rows);
    flo_comm_finish(&s->comm);
    assert_int_equal(example_destroy(&s->e), 0);
}

#define STEP_LIKELIHOOD BUILD_DENSITY
#define STEP_TARGET                                                                    \
    "objective: {kind: reverse_kl, target: {kind: correlated_normal, features: 3, "    \
    "mean: 0.5, deviation: 0.8, correlation: 0.6, log_evidence: 1.25}}"
#define STEP_REVERSE_KL                                                                \
    "{" STEP_TARGET ", flow: {direction: sampling, " BUILD_LAYERS "}}"

#endif

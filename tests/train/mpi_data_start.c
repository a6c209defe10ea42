/* The start from data: it normalises what each layer is fed, the same bits on any
   number of ranks and threads as on one. */
#include "train/data_start.h"

#include "comm/comm_private.h"
#include "data/example.h"
#include "flow/build.h"

enum { N = 5003, SMALL = 700, D = 3, C = 2, COLUMNS = D + C + 1 };

#define LAYERS                                                                         \
    "layers: [{kind: actnorm}, {kind: lu_linear}, {kind: affine_coupling, hidden: 7, " \
    "dropout: 0.5}, {kind: actnorm}, {kind: permutation}, "                            \
    "{kind: spline_coupling, hidden: 5}, {kind: actnorm}, {kind: lu_linear}]"
#define DENSITY "{preprocess: [{kind: standardize}], flow: {" LAYERS "}}"
#define SAMPLING "{flow: {direction: sampling, " LAYERS "}}"

typedef struct world {
    example e;
    fixture f; /* the same context and arena */
    flo_comm *comm;
} world;

/* Sorted, with a large offset; skewed; of two sizes; context; every fifth weight 0. */
static double value(int64_t i, int column)
{
    const double u = fmod((double)(i + 1) * 0.6180339887498949, 1);
    switch (column) {
    case 0:
        return 100 + (double)i / 500;
    case 1:
        return exp(2 * u);
    case 2:
        return i % 3 ? u : -10 * u;
    case 3:
        return 2 * u - 1;
    case 4:
        return (double)(i % 7) / 7;
    default:
        return i % 5 == 0 ? 0 : 1 + (double)(i % 3);
    }
}

static void write_rows(world *w, const char *name, int64_t rows, double weight)
{
    if (flo_comm_rank(w->comm) == 0) {
        double *const values = malloc((size_t)(rows * COLUMNS) * sizeof *values);
        for (int64_t i = 0; i < rows * COLUMNS; i++) {
            const int column = (int)(i % COLUMNS);
            values[i] = value(i / COLUMNS, column);
            values[i] *= column == COLUMNS - 1 ? weight : 1;
        }
        scratch_matrix(w->e.path, name, H5T_IEEE_F64LE, rows, COLUMNS, values);
        free(values);
    }
    flo_comm_barrier(w->comm);
}

static int set_up(void **state)
{
    /* A failing rank ends the job by abort: the others wait in the next collective. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    world *const w = calloc(1, sizeof *w);
    example_create(&w->e);
    w->f = (fixture){w->e.context, w->e.arena};
    assert_int_equal(flo_comm_start(w->e.context, NULL, NULL, &w->comm), FLO_OK);
    write_rows(w, "train", N, 1);
    flo_comm_broadcast(w->comm, w->e.path, sizeof w->e.path);
    write_rows(w, "small", SMALL, 1);
    write_rows(w, "weightless", SMALL, 0);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *const w = *state;
    flo_comm_barrier(w->comm);
    flo_comm_finish(&w->comm);
    assert_int_equal(example_destroy(&w->e), 0);
    free(w);
    return 0;
}

static flo_rows *open_rows(world *w, const char *name)
{
    char yaml[100];
    snprintf(yaml, sizeof yaml, "train: %s, context: [3, 4], weights: 5", name);
    const flo_data_settings settings = example_settings(&w->e, yaml);
    flo_rows *rows;
    assert_int_equal(flo_rows_open(w->e.context, &settings, 1, FLO_TRAIN, &rows),
                     FLO_OK);
    return rows;
}

static bool starts(const flo_flow *flow, int64_t k)
{
    return flow->layer[k].bijection->kind->starts_from_data;
}

/* Parameters as a trained flow has them, but for the layers that start from data. */
static flo_real *theta_before(world *w, const flo_flow *flow)
{
    flo_real *const theta = build_theta(&w->f, flow);
    for (int64_t k = 0; k < flow->layers; k++)
        if (starts(flow, k))
            fill_reals(flow->layer[k].bijection->parameters.size, 0,
                       theta + flow->layer[k].parameters);
    return theta;
}

/* Starts over all ranks, and on this rank alone with other threads: the same bits. Only
   the layers that start from data have moved. */
static flo_real *start_both(world *w, const flo_flow *flow, flo_rows *rows,
                            flo_data_start_report *report)
{
    flo_real *const before = theta_before(w, flow), *const all = theta_before(w, flow);
    assert_int_equal(flo_data_start(w->comm, w->e.context, flow, rows, 1, all, report),
                     FLO_OK);
    flo_comm alone = *w->comm;
    alone.has_mpi = alone.started_mpi = false;
    alone.rank = 0;
    alone.size = 1;
    const size_t bytes = (size_t)flow->parameters.size * sizeof *all;
    for (int threads = 1; threads <= 3; threads += 2) {
        flo_real *const single = theta_before(w, flow);
        flo_data_start_report other;
        assert_int_equal(
            flo_data_start(&alone, w->e.context, flow, rows, threads, single, &other),
            FLO_OK);
        assert_same_bits("theta", bytes, all, single);
        assert_int_equal(other.rows, report->rows);
        assert_int_equal(other.constant_columns, report->constant_columns);
    }
    for (int64_t k = 0; k < flow->layers; k++)
        if (!starts(flow, k))
            assert_same_bits(
                flow->layer[k].name,
                (size_t)flow->layer[k].bijection->parameters.size * sizeof *all,
                all + flow->layer[k].parameters, before + flow->layer[k].parameters);
    return all;
}

/* Weighted moments of the output of every layer that starts from data, over the rows of
   a workspace that has been moved forward that far. */
static void check_moments(const flo_flow *flow, const flo_real *theta, flo_workspace *w,
                          double mean_near, double deviation_near)
{
    for (int64_t k = 0; k < flow->layers; k++) {
        flo_flow_forward_layer(flow, theta, w, k);
        for (int64_t j = 0; starts(flow, k) && j < D; j++) {
            double weight = 0, sum = 0, squares = 0;
            for (int64_t i = 0; i < w->rows; i++) {
                const double z = (double)w->value[k + 1][i * D + j];
                weight += (double)w->weight[i];
                sum += (double)w->weight[i] * z;
                squares += (double)w->weight[i] * z * z;
            }
            const double mean = sum / weight;
            assert_near(mean, 0, mean_near);
            assert_near(sqrt(squares / weight - mean * mean), 1, deviation_near);
        }
    }
}

/* The start of all rows of a data set, and what all its rows then are. */
static void check_data(world *w, const char *name, int64_t rows, int64_t counted,
                       double mean_near, double deviation_near)
{
    flo_rows *data = open_rows(w, name);
    const flo_flow *const flow = build_flow(&w->f, DENSITY, D, C);
    flo_data_start_report report;
    const flo_real *const theta = start_both(w, flow, data, &report);
    assert_int_equal(report.layers, 3);
    assert_int_equal(report.rows, counted);
    assert_int_equal(report.constant_columns, 0);
    assert_null(report.constant_layer);
    flo_workspace all = build_workspace(&w->f, flow, rows, false);
    flo_batch batch = {
        .x = all.value[0], .context = all.raw_context, .weight = all.weight};
    assert_int_equal(flo_rows_read(data, 0, rows, &batch, NULL), FLO_OK);
    flo_workspace_condition(flow, &all);
    check_moments(flow, theta, &all, mean_near, deviation_near);
    flo_rows_close(&data);
}

static void few_rows_are_all_used(void **state)
{
    const double near = sizeof(flo_real) == 8 ? 1e-11 : 1e-4;
    check_data(*state, "small", SMALL, SMALL - (SMALL + 4) / 5, near, near);
}

/* The start rows are drawn all over sorted data: their moments are near those of all.
 */
static void many_rows_are_drawn_from_all_parts(void **state)
{
    world *const w = *state;
    flo_rows *data = open_rows(w, "train");
    const flo_flow *const flow = build_flow(&w->f, DENSITY, D, C);
    flo_data_start_report report;
    start_both(w, flow, data, &report);
    flo_rows_close(&data);
    assert_in_range(report.rows, 4096 * 3 / 4, 4096 * 17 / 20);
    check_data(w, "train", N, report.rows, 0.02, 0.02);
}

/* Base samples of other numbers have nearly the moments of those of the start. */
static void a_sampling_flow_starts_from_base_samples(void **state)
{
    world *const w = *state;
    const flo_flow *const flow = build_flow(&w->f, SAMPLING, D, 0);
    flo_data_start_report report;
    const flo_real *const theta = start_both(w, flow, NULL, &report);
    assert_int_equal(report.layers, 3);
    assert_int_equal(report.rows, 4096);
    flo_workspace other = build_workspace(&w->f, flow, 4096, false);
    const flo_random_key key = {5, FLO_RANDOM_SAMPLES, 0, 0};
    flo_workspace_sample(flow, theta, &other, key, 0, 1);
    fill_reals(4096, 1, other.weight);
    check_moments(flow, theta, &other, 0.08, 0.08);
}

static void rows_without_weight_leave_theta(void **state)
{
    world *const w = *state;
    flo_rows *data = open_rows(w, "weightless");
    const flo_flow *const flow = build_flow(&w->f, DENSITY, D, C);
    flo_data_start_report report;
    const flo_real *const theta = start_both(w, flow, data, &report);
    assert_int_equal(report.layers, 3);
    assert_int_equal(report.rows, 0);
    assert_same_bits("theta", (size_t)flow->parameters.size * sizeof *theta, theta,
                     theta_before(w, flow));
    flo_rows_close(&data);
}

/* A column that never varies is counted, and the first layer that meets it named. */
static void constant_columns_are_reported(void **state)
{
    world *const w = *state;
    const flo_flow *const flow =
        build_flow(&w->f,
                   "{flow: {layers: [{kind: elementwise_affine}, {kind: actnorm}, "
                   "{kind: actnorm}]}}",
                   D, C);
    if (flo_comm_rank(w->comm) == 0) {
        double values[SMALL][COLUMNS];
        for (int64_t i = 0; i < SMALL; i++)
            for (int j = 0; j < COLUMNS; j++)
                values[i][j] = j == 1 ? 0.1 : j == COLUMNS - 1 ? 1 : value(i, j);
        scratch_matrix(w->e.path, "constant", H5T_IEEE_F64LE, SMALL, COLUMNS,
                       values[0]);
    }
    flo_comm_barrier(w->comm);
    flo_rows *data = open_rows(w, "constant");
    flo_data_start_report report;
    const flo_real *const theta = start_both(w, flow, data, &report);
    assert_int_equal(report.constant_columns, 2);
    assert_string_equal(report.constant_layer, "01_actnorm");
    const flo_real *const actnorm = theta + flow->layer[1].parameters;
    assert_true(actnorm[1] == 0 && actnorm[0] != 0 && actnorm[2] != 0);
    flo_rows_close(&data);
}

static void flows_without_such_layers_read_nothing(void **state)
{
    world *const w = *state;
    const flo_flow *const flow =
        build_flow(&w->f, "{flow: {layers: [{kind: lu_linear}]}}", D, C);
    flo_real *const theta = build_theta(&w->f, flow);
    flo_data_start_report report;
    assert_int_equal(
        flo_data_start(w->comm, w->e.context, flow, NULL, 1, theta, &report), FLO_OK);
    assert_int_equal(report.layers, 0);
}

/* One rank meets the bad row: all fail alike, with its message. */
static void a_bad_row_is_agreed_on(void **state)
{
    world *const w = *state;
    write_rows(w, "bad", SMALL, 1);
    if (flo_comm_rank(w->comm) == 0)
        example_poke(&w->e, "bad", SMALL - 1, 2, (double)NAN);
    flo_comm_barrier(w->comm);
    flo_rows *data = open_rows(w, "bad");
    const flo_flow *const flow = build_flow(&w->f, DENSITY, D, C);
    flo_real *const theta = theta_before(w, flow);
    flo_data_start_report report;
    assert_int_equal(
        flo_data_start(w->comm, w->e.context, flow, data, 1, theta, &report),
        FLO_ERROR_DATA);
    assert_non_null(
        strstr(flo_context_message(w->e.context), "row 699, column 2: found nan"));
    flo_rows_close(&data);
}

/* A layer before gives infinity: the layer that cannot start from it is named. */
static void values_that_are_not_finite_are_refused(void **state)
{
    world *const w = *state;
    flo_rows *data = open_rows(w, "small");
    const flo_flow *const flow = build_flow(&w->f, DENSITY, D, C);
    flo_real *const theta = theta_before(w, flow);
    theta[flow->layer[2].parameters + D * D + 1] = (flo_real)INFINITY; /* the bias */
    flo_data_start_report report;
    assert_int_equal(
        flo_data_start(w->comm, w->e.context, flow, data, 1, theta, &report),
        FLO_ERROR_NUMERIC);
    const char *const message = flo_context_message(w->e.context);
    assert_non_null(strstr(message, "04_actnorm: column "));
    assert_non_null(strstr(message, "wanted finite numbers"));
    flo_rows_close(&data);
}

/* A rank without memory makes all ranks fail. */
static void a_rank_without_memory_is_agreed_on(void **state)
{
    world *const w = *state;
    flo_context *const context = w->e.context;
    flo_rows *data = open_rows(w, "small");
    const flo_flow *const flow = build_flow(&w->f, DENSITY, D, C);
    const int last = flo_comm_size(w->comm) - 1;
    int64_t failures = 0;
    for (int64_t n = 1; n < 12; n++) {
        flo_real *const theta = theta_before(w, flow);
        flo_data_start_report report;
        context->fail_at =
            flo_comm_rank(w->comm) == last ? (int64_t)context->made + n : 0;
        const flo_status status =
            flo_data_start(w->comm, context, flow, data, 1, theta, &report);
        context->fail_at = 0;
        assert_true(flo_comm_same(w->comm, status));
        failures += status == FLO_ERROR_MEMORY;
    }
    assert_true(failures > 1);
    flo_rows_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_rows_are_all_used),
        cmocka_unit_test(many_rows_are_drawn_from_all_parts),
        cmocka_unit_test(a_sampling_flow_starts_from_base_samples),
        cmocka_unit_test(rows_without_weight_leave_theta),
        cmocka_unit_test(constant_columns_are_reported),
        cmocka_unit_test(flows_without_such_layers_read_nothing),
        cmocka_unit_test(a_bad_row_is_agreed_on),
        cmocka_unit_test(values_that_are_not_finite_are_refused),
        cmocka_unit_test(a_rank_without_memory_is_agreed_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

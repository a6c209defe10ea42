/* The reconstruction error: the largest, where it is, in units of its column; the same
   on any number of ranks. */
#include "train/reconstruction.h"

#include "data/example.h"
#include "flow/build.h"

#include <math.h>

enum { D = 3, N = 12000, LOOKED_AT = FLO_RECONSTRUCTION_ROWS };

/* A bijection with a fault: what is at least MARK comes back half of MARK higher, what
   is far above it not at all. */
#define MARK 1000
#define LOST 1e25

static void faulty_inverse(const flo_bijection *self, const flo_real *theta,
                           const flo_pass *pass, const flo_real *z, flo_real *x,
                           double *logdet)
{
    (void)theta, (void)logdet;
    for (int64_t i = 0; i < pass->rows * self->features; i++)
        x[i] = z[i] < MARK               ? z[i]
               : (double)z[i] < LOST / 2 ? z[i] + MARK / 2
                                         : (flo_real)NAN;
}

typedef struct world {
    example e;
    fixture f;
    flo_comm *comm;
    double *values; /* [N, D]: what the file holds */
    flo_bijection_kind kind;
    flo_flow *flow;
    flo_real *theta;
    flo_tiles *tiles;
} world;

/* A column of small numbers, one of large ones that vary little, a constant one. */
static double value(int64_t i, int64_t j)
{
    const double u = fmod((double)(i + 1) * 0.6180339887498949, 1);
    return j == 0 ? u - 0.5 : j == 1 ? -512 + floor(8 * u) : -4;
}

static int set_up(void **state)
{
    /* A failing rank ends the job by abort: the others wait in the next collective. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    world *const w = calloc(1, sizeof *w);
    example_create(&w->e);
    w->f = (fixture){w->e.context, w->e.arena};
    assert_int_equal(flo_comm_start(w->e.context, NULL, NULL, &w->comm), FLO_OK);
    flo_comm_broadcast(w->comm, w->e.path, sizeof w->e.path);
    w->values = malloc((size_t)N * D * sizeof *w->values);
    w->flow = build_flow(&w->f, "flow: {layers: [{kind: elementwise_affine}]}", D, 0);
    w->kind = *w->flow->layer[0].bijection->kind;
    w->kind.inverse = faulty_inverse;
    w->flow->layer[0].bijection->kind = &w->kind;
    w->theta = build_reals(&w->f, w->flow->parameters.size); /* zeros: the identity */
    assert_int_equal(flo_tiles_create(w->e.arena, w->flow, 2, &w->tiles), FLO_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *const w = *state;
    flo_comm_barrier(w->comm);
    flo_comm_finish(&w->comm);
    assert_int_equal(example_destroy(&w->e), 0);
    free(w->values);
    free(w);
    return 0;
}

/* The values as they were, but for some. */
static void reset(world *w)
{
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < D; j++)
            w->values[i * D + j] = value(i, j);
}

static flo_reconstruction reconstruct(world *w, int64_t rows, const char *name)
{
    flo_rows *opened;
    flo_reconstruction r;
    flo_comm_barrier(w->comm);
    if (flo_comm_rank(w->comm) == 0)
        scratch_matrix(w->e.path, name, H5T_IEEE_F64LE, rows, D, w->values);
    flo_comm_barrier(w->comm);
    char *lines;
    assert_int_equal(flo_arena_print(w->e.arena, &lines, "train: %s", name), FLO_OK);
    const flo_data_settings settings = example_settings(&w->e, lines);
    assert_int_equal(flo_rows_open(w->e.context, &settings, 1, FLO_TRAIN, &opened),
                     FLO_OK);
    assert_int_equal(
        flo_reconstruct(w->comm, w->e.context, w->tiles, w->theta, opened, &r), FLO_OK);
    flo_rows_close(&opened);
    assert_true(flo_comm_same(w->comm, (uint64_t)r.row));
    return r;
}

/* The standard deviation of a column over the rows that are looked at. */
static double deviation(const world *w, int64_t rows, int64_t j)
{
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < rows; i++)
        mean += w->values[i * D + j] / (double)rows;
    for (int64_t i = 0; i < rows; i++)
        squares += pow(w->values[i * D + j] - mean, 2);
    return sqrt(squares / (double)rows);
}

static void a_flow_that_comes_back_has_no_error(void **state)
{
    world *const w = *state;
    reset(w);
    const flo_reconstruction r = reconstruct(w, N, "exact");
    assert_int_equal(r.rows, LOOKED_AT);
    assert_true(r.error == 0);
    assert_int_equal(r.row, 0);
    assert_int_equal(r.column, 0);
}

/* The largest of several, by the spread of its column, in whichever chunk it lies. */
static void the_worst_row_and_column_are_found(void **state)
{
    static const int64_t places[] = {0, 255, 4096, 8191, LOOKED_AT - 1};
    world *const w = *state;
    for (int p = 0; p < 5; p++) {
        char name[32];
        reset(w);
        w->values[places[p] * D + 1] = MARK;
        w->values[((places[p] + 77) % LOOKED_AT) * D] = MARK;
        snprintf(name, sizeof name, "worst_%d", p);
        const flo_reconstruction r = reconstruct(w, N, name);
        const double units[2] = {deviation(w, LOOKED_AT, 0),
                                 deviation(w, LOOKED_AT, 1)};
        assert_true(units[0] < units[1]); /* so the second mark is worse */
        assert_int_equal(r.column, 0);
        assert_int_equal(r.row, (places[p] + 77) % LOOKED_AT);
        assert_near(r.error, MARK / 2 / units[0], 1e-9 * r.error);
    }
}

static void rows_behind_the_first_ten_thousand_are_not_looked_at(void **state)
{
    world *const w = *state;
    reset(w);
    w->values[LOOKED_AT * D] = MARK;
    assert_true(reconstruct(w, N, "behind").error == 0);
    const flo_reconstruction few = reconstruct(w, 100, "few");
    assert_int_equal(few.rows, 100);
}

/* A constant column by its absolute value. */
static void a_constant_column_has_a_unit_too(void **state)
{
    world *const w = *state;
    reset(w);
    for (int64_t i = 0; i < N; i++)
        w->values[i * D + 2] = 2 * MARK;
    const flo_reconstruction r = reconstruct(w, N, "constant");
    assert_int_equal(r.column, 2);
    assert_int_equal(r.row, 0);
    assert_near(r.error, 0.25, 1e-12);
}

static void what_does_not_come_back_finite_is_infinite(void **state)
{
    world *const w = *state;
    reset(w);
    w->values[5000 * D + 1] = LOST;
    const flo_reconstruction r = reconstruct(w, N, "infinite");
    assert_true(isinf(r.error));
    assert_int_equal(r.column, 1);
    assert_int_equal(r.row, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_that_comes_back_has_no_error),
        cmocka_unit_test(the_worst_row_and_column_are_found),
        cmocka_unit_test(rows_behind_the_first_ten_thousand_are_not_looked_at),
        cmocka_unit_test(a_constant_column_has_a_unit_too),
        cmocka_unit_test(what_does_not_come_back_finite_is_infinite),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Tiles: the bits of a row depend neither on the cut of a call nor on threads. */
#include "flow/tiles.h"

#include "flow/build.h"

enum { D = 3, C = 2, N = 2 * FLO_TILE_ROWS + 77 };

typedef struct problem {
    flo_flow *flow;
    flo_real *theta, *x, *context;
    double *log_prob;
} problem;

static problem make(fixture *f, const char *yaml)
{
    problem p = {.flow = build_flow(f, yaml, D, C),
                 .x = build_reals(f, N * D),
                 .context = build_reals(f, N * C)};
    p.theta = build_theta(f, p.flow);
    draw_normals(1, 1, N * D, p.x);
    draw_normals(2, 1, N * C, p.context);
    assert_int_equal(flo_arena_take(f->arena, N, sizeof(double), &p.log_prob), FLO_OK);
    return p;
}

static flo_tiles *tiles_of(fixture *f, const problem *p, int threads)
{
    flo_tiles *tiles;
    assert_int_equal(flo_tiles_create(f->arena, p->flow, threads, &tiles), FLO_OK);
    return tiles;
}

static const char *const both[] = {BUILD_DENSITY, BUILD_SAMPLING};

static const char whole_numbers[] =
    "{preprocess: [{kind: dequantize, levels: 7, columns: [0, 2]}, {kind: logit, "
    "columns: [0, 2]}, {kind: standardize}], flow: {layers: [{kind: lu_linear}, "
    "{kind: affine_coupling, hidden: 4, activation: tanh}]}}";

/* Whole numbers in the columns that are dequantized. */
static void make_whole(problem *p)
{
    for (int64_t i = 0; i < N * D; i++)
        p->x[i] = i % D == 1 ? p->x[i] : (flo_real)(i % 7);
}

static void log_prob_is_that_of_a_plain_pass(void **state)
{
    for (int way = 0; way < 2; way++) {
        problem p = make(*state, both[way]);
        flo_tiles_log_prob(tiles_of(*state, &p, 1), p.theta, 0, N, p.x, p.context,
                           p.log_prob, NULL);
        flo_workspace w = build_workspace(*state, p.flow, N, false);
        memcpy(w.raw_context, p.context, N * C * sizeof *p.context);
        memcpy(flo_workspace_data(p.flow, &w), p.x, N * D * sizeof *p.x);
        flo_workspace_condition(p.flow, &w);
        flo_flow_log_prob(p.flow, p.theta, &w);
        for (int64_t i = 0; i < N; i++)
            assert_near(p.log_prob[i], w.log_prob[i], near_enough);
    }
}

static void log_prob_bits_do_not_depend_on_cut_or_threads(void **state)
{
    const int64_t counts[] = {1, 2, 77, FLO_TILE_ROWS, FLO_TILE_ROWS + 1, N};
    problem p = make(*state, BUILD_DENSITY);
    flo_tiles_log_prob(tiles_of(*state, &p, 1), p.theta, 0, N, p.x, p.context,
                       p.log_prob, NULL);
    for (int threads = 1; threads <= 3; threads++) {
        flo_tiles *const tiles = tiles_of(*state, &p, threads);
        for (int c = 0; c < 6; c++)
            for (int64_t first = 0; first < N; first += FLO_TILE_ROWS) {
                const int64_t rows = counts[c] < N - first ? counts[c] : N - first;
                double found[N + 1];
                found[rows] = 42;
                flo_tiles_log_prob(tiles, p.theta, first, rows, p.x + first * D,
                                   p.context + first * C, found, NULL);
                assert_same_bits("log_prob", (size_t)rows * sizeof *found, found,
                                 p.log_prob + first);
                assert_true(found[rows] == 42);
            }
    }
}

/* Values `bad` in one column of three rows, of x or of context. */
static void check_bad_rows(fixture *f, const char *yaml, double bad, bool in_context,
                           int64_t column)
{
    problem p = make(f, yaml);
    flo_tiles *const tiles = tiles_of(f, &p, 2);
    double found[N];
    flo_tiles_log_prob(tiles, p.theta, 0, N, p.x, p.context, p.log_prob, NULL);
    const int64_t rows[] = {0, 100, N - 1};
    for (int r = 0; r < 3; r++)
        *(in_context ? &p.context[rows[r] * C + column] : &p.x[rows[r] * D + column]) =
            (flo_real)bad;
    flo_tiles_log_prob(tiles, p.theta, 0, N, p.x, p.context, found, NULL);
    for (int64_t i = 0; i < N; i++) {
        const bool is_bad = i == rows[0] || i == rows[1] || i == rows[2];
        if (is_bad ? !isnan(found[i]) : found[i] != p.log_prob[i])
            fail_msg("%s: row %lld with %g in column %lld of some: found %g", yaml,
                     (long long)i, bad, (long long)column, found[i]);
    }
}

/* A row that is not finite gives NaN, through any layers, and harms no other. */
static void a_bad_row_gives_nan_and_harms_no_other(void **state)
{
    static const char *const flows[] = {
        BUILD_DENSITY, BUILD_SAMPLING,
        "flow: {layers: [{kind: elementwise_affine}, {kind: additive_coupling, "
        "hidden: 4, activation: tanh}]}"};
    const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (int i = 0; i < 9; i++)
        for (int64_t column = 0; column < D + C; column++)
            check_bad_rows(*state, flows[i / 3], bad[i % 3], column >= D, column % D);
}

/* There and back: near x, both ways, however a call is cut and on any threads. */
static void rows_come_back_from_noise(void **state)
{
    for (int way = 0; way < 2; way++) {
        problem p = make(*state, both[way]);
        flo_real *const back = build_reals(*state, N * D);
        flo_real *const start = build_reals(*state, N * D);
        flo_tiles_reconstruct(tiles_of(*state, &p, 1), p.theta, 0, N, p.x, p.context,
                              start, back);
        assert_same_bits("start", N * D * sizeof *start, start, p.x);
        assert_all_near("back", N * D, back, p.x, 20 * near_enough);
        for (int threads = 1; threads <= 3; threads++) {
            const int64_t first = FLO_TILE_ROWS, rows = FLO_TILE_ROWS + 30;
            flo_real found[(FLO_TILE_ROWS + 30) * D + 1];
            flo_real from[(FLO_TILE_ROWS + 30) * D];
            found[rows * D] = 42;
            flo_tiles_reconstruct(tiles_of(*state, &p, threads), p.theta, first, rows,
                                  p.x + first * D, p.context + first * C, from, found);
            assert_same_bits("back", (size_t)(rows * D) * sizeof *found, found,
                             back + first * D);
            assert_true(found[rows * D] == 42);
        }
    }
}

/* Whole numbers: the noise is that of the row's number, the inverse gives whole
   numbers, and a reconstruction tells how near they come back without rounding them. */
static void rows_are_dithered_by_their_number(void **state)
{
    problem p = make(*state, whole_numbers);
    make_whole(&p);
    flo_tiles *const tiles = tiles_of(*state, &p, 2);
    double found[FLO_TILE_ROWS], part[N];
    flo_tiles_log_prob(tiles, p.theta, 0, N, p.x, p.context, p.log_prob, part);
    flo_tiles_log_prob(tiles, p.theta, FLO_TILE_ROWS, FLO_TILE_ROWS,
                       p.x + FLO_TILE_ROWS * D, p.context + FLO_TILE_ROWS * C, found,
                       NULL);
    assert_same_bits("log_prob", sizeof found, found, p.log_prob + FLO_TILE_ROWS);
    flo_tiles_log_prob(tiles, p.theta, 0, FLO_TILE_ROWS, p.x + FLO_TILE_ROWS * D,
                       p.context + FLO_TILE_ROWS * C, found, NULL);
    assert_true(found[0] != p.log_prob[FLO_TILE_ROWS]);
    for (int64_t i = 0; i < N; i++)
        assert_true(isfinite(p.log_prob[i]) && part[i] != p.log_prob[i]);
    flo_real *const start = build_reals(*state, N * D);
    flo_real *const back = build_reals(*state, N * D);
    flo_tiles_reconstruct(tiles, p.theta, 0, N, p.x, p.context, start, back);
    assert_all_near("back", N * D, back, start, 20 * near_enough);
    for (int64_t i = 0; i < N * D; i++)
        if (i % D != 1)
            assert_true(floor((double)start[i] * 7) == (double)p.x[i]);
    flo_tiles_sample(tiles, p.theta, 5, 0, N, 1, p.context, back);
    for (int64_t i = 0; i < N * D; i++)
        if (i % D != 1)
            assert_true(back[i] >= 0 && back[i] <= 6 &&
                        (double)back[i] == floor((double)back[i]));
}

/* Scored by draws, a row has the same bits wherever it stands, beside any rows, on any
   threads; outside of the levels its density is zero. */
static void scores_depend_on_the_row_alone(void **state)
{
    problem p = make(*state, whole_numbers);
    flo_real other[N * D], context[N * C];
    double found[N], part[N], behind[N];
    make_whole(&p);
    for (int64_t i = 0; i < N; i++) {
        memcpy(other + i * D, p.x + (N - 1 - i) * D, D * sizeof *other);
        memcpy(context + i * C, p.context + (N - 1 - i) * C, C * sizeof *context);
    }
    flo_tiles *const tiles = tiles_of(*state, &p, 1), *const two =
                                                          tiles_of(*state, &p, 2);
    flo_tiles_score(tiles, 6);
    flo_tiles_score(two, 6);
    flo_tiles_log_prob(tiles, p.theta, 0, N, p.x, p.context, p.log_prob, part);
    flo_tiles_log_prob(two, p.theta, 0, N, other, context, found, behind);
    for (int64_t i = 0; i < N; i++)
        assert_true(found[i] == p.log_prob[N - 1 - i] && behind[i] == part[N - 1 - i]);
    flo_tiles_score(two, 7);
    flo_tiles_log_prob(two, p.theta, 0, N, other, context, found, NULL);
    assert_memory_not_equal(found, p.log_prob, sizeof found);
    p.x[0] = 7;
    p.x[(N - 1) * D] = (flo_real)0.5;
    for (int64_t draws = 0; draws < 7; draws += 6) {
        flo_tiles_score(tiles, draws);
        flo_tiles_log_prob(tiles, p.theta, 0, N, p.x, p.context, found, NULL);
        for (int64_t i = 0; i < N; i++)
            assert_true(i % (N - 1) == 0 ? found[i] == -(double)INFINITY
                                         : isfinite(found[i]));
    }
}

static void samples_are_a_prefix_however_they_are_cut(void **state)
{
    static const int64_t cuts[][2] = {{0, 1},   {0, 300},   {10, 20},
                                      {255, 2}, {256, 256}, {300, N - 300}};
    for (int way = 0; way < 2; way++) {
        problem p = make(*state, both[way]);
        flo_tiles_sample(tiles_of(*state, &p, 1), p.theta, 5, 0, N, 1, p.context, p.x);
        assert_all_finite("x", N * D, p.x);
        for (int threads = 1; threads <= 3; threads++)
            for (int c = 0; c < 6; c++) {
                const int64_t first = cuts[c][0], count = cuts[c][1];
                flo_real found[N * D + 1];
                found[count * D] = 42;
                flo_tiles_sample(tiles_of(*state, &p, threads), p.theta, 5, first,
                                 count, 1, p.context + first * C, found);
                assert_same_bits("samples", (size_t)(count * D) * sizeof *found, found,
                                 p.x + first * D);
                assert_true(found[count * D] == 42);
            }
    }
}

static void seed_temperature_and_context_count(void **state)
{
    problem p = make(*state, BUILD_DENSITY);
    flo_tiles *const tiles = tiles_of(*state, &p, 1);
    flo_real x[4 * D];
    flo_tiles_sample(tiles, p.theta, 5, 0, 4, 1, p.context, p.x);
    flo_tiles_sample(tiles, p.theta, 6, 0, 4, 1, p.context, x);
    for (int64_t i = 0; i < 4 * D; i++)
        assert_true(x[i] != p.x[i]);
    flo_tiles_sample(tiles, p.theta, 5, 0, 4, 1, p.context + C, x);
    assert_memory_not_equal(x, p.x, sizeof x);
    flo_tiles_sample(tiles, p.theta, 5, 0, 4, 0, p.x, x); /* any contexts */
    flo_tiles_sample(tiles, p.theta, 6, 9, 4, 0, p.x, p.x + 100);
    assert_same_bits("temperature 0: the seed does not matter", sizeof x, p.x + 100, x);
}

/* Samples have the density: for a normal flow (an affine map), by their moments. */
static void samples_follow_log_prob(void **state)
{
    enum { MANY = 20000 };
    fixture *const f = *state;
    flo_flow *const flow = build_flow(
        f, "flow: {layers: [{kind: lu_linear}, {kind: elementwise_affine}]}", 2, 0);
    const flo_real *const theta = build_theta(f, flow);
    flo_tiles *tiles;
    assert_int_equal(flo_tiles_create(f->arena, flow, 1, &tiles), FLO_OK);
    flo_real *const x = build_reals(f, MANY * 2);
    double *log_prob;
    assert_int_equal(flo_arena_take(f->arena, MANY, sizeof *log_prob, &log_prob),
                     FLO_OK);
    flo_tiles_sample(tiles, theta, 5, 0, MANY, 1, NULL, x);
    flo_tiles_log_prob(tiles, theta, 0, MANY, x, NULL, log_prob, NULL);
    double mean[2] = {0}, covariance[4] = {0}, entropy = 0;
    for (int64_t i = 0; i < MANY; i++) {
        entropy -= log_prob[i] / MANY;
        for (int j = 0; j < 2; j++)
            mean[j] += (double)x[2 * i + j] / MANY;
    }
    for (int64_t i = 0; i < MANY; i++)
        for (int k = 0; k < 4; k++)
            covariance[k] += ((double)x[2 * i + k / 2] - mean[k / 2]) *
                             ((double)x[2 * i + k % 2] - mean[k % 2]) / MANY;
    const double wanted =
        1 + log(2 * acos(-1)) + 0.5 * log_determinant(2, covariance, NULL);
    assert_near(entropy, wanted, 0.02);
}

static void every_tile_is_counted(void **state)
{
    problem p = make(*state, BUILD_DENSITY);
    const flo_context *const context = flo_arena_context(((fixture *)*state)->arena);
    flo_tiles *const tiles = tiles_of(*state, &p, 2);
    flo_real *const other = build_reals(*state, N * D);
    const uint64_t begin = flo_work_done(context);
    flo_tiles_log_prob(tiles, p.theta, 0, N, p.x, p.context, p.log_prob, NULL);
    assert_int_equal(flo_work_done(context) - begin, 3);
    flo_tiles_sample(tiles, p.theta, 1, 0, N, 1, p.context, other);
    assert_int_equal(flo_work_done(context) - begin, 6);
    flo_tiles_reconstruct(tiles, p.theta, 0, N, p.x, p.context, p.x, other);
    assert_int_equal(flo_work_done(context) - begin, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(log_prob_is_that_of_a_plain_pass),
        FIXTURE_TEST(log_prob_bits_do_not_depend_on_cut_or_threads),
        FIXTURE_TEST(a_bad_row_gives_nan_and_harms_no_other),
        FIXTURE_TEST(rows_come_back_from_noise),
        FIXTURE_TEST(rows_are_dithered_by_their_number),
        FIXTURE_TEST(scores_depend_on_the_row_alone),
        FIXTURE_TEST(samples_are_a_prefix_however_they_are_cut),
        FIXTURE_TEST(seed_temperature_and_context_count),
        FIXTURE_TEST(samples_follow_log_prob),
        FIXTURE_TEST(every_tile_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

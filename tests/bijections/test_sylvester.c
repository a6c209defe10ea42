/* sylvester: the formula of the paper, invertible whatever the parameters, an inverse
   that says when it has none. */
#include "bijections/layer.h"

enum { D = 6, B = 6, M = 3, K = 4 };

static const char *const yaml = "{kind: sylvester, rank: 3, reflections: 4}";
static const flo_place place = {.index = 2, .seed = 1};

static double positive(flo_real d)
{
    const double m = 1e-3, c = log(expm1(1 - m));
    return log1p(exp((double)d + c)) + m;
}

/* Q [D, M]: the first columns of the product of reflections H_K .. H_1, one by one. */
static void orthonormal(const flo_real *v, double Q[D][M])
{
    memset(Q, 0, sizeof(double) * D * M);
    for (int m = 0; m < M; m++) {
        Q[m][m] = 1;
        for (int k = 0; k < K; k++) {
            double along = 0, square = 0;
            for (int j = 0; j < D; j++) {
                along += (double)v[k * D + j] * Q[j][m];
                square += (double)v[k * D + j] * (double)v[k * D + j];
            }
            for (int j = 0; j < D; j++)
                Q[j][m] -= 2 * along / square * (double)v[k * D + j];
        }
    }
}

/* R1 and R2 by the header's words. */
static void triangles(const layer *l, double R1[M][M], double R2[M][M])
{
    const flo_real *const T = l->theta + l->b->parameters.tensors[1].offset;
    const flo_real *const raw = l->theta + l->b->parameters.tensors[2].offset;
    for (int j = 0; j < M; j++)
        for (int k = 0; k < M; k++) {
            R1[j][k] = k > j ? (double)T[j * M + k] : 0;
            R2[j][k] = k > j ? (double)T[k * M + j] : 0;
        }
    for (int j = 0; j < M; j++) {
        R2[j][j] = positive(raw[j]);
        R1[j][j] = (positive(T[j * M + j]) - 1) / R2[j][j];
    }
}

static void it_is_the_formula(void **state)
{
    layer l;
    layer_create(*state, yaml, place, B, D, 0, &l);
    double Q[D][M], R1[M][M], R2[M][M];
    orthonormal(l.theta, Q);
    triangles(&l, R1, R2);
    const flo_real *const b = l.theta + l.b->parameters.tensors[3].offset;
    layer_forward(&l);
    for (int i = 0; i < B; i++) {
        double h[M], det = 1;
        for (int m = 0; m < M; m++) {
            double a = (double)b[m];
            for (int k = 0; k < M; k++)
                for (int j = 0; j < D; j++)
                    a += R2[m][k] * Q[j][k] * (double)l.x[i * D + j];
            h[m] = tanh(a);
            det *= 1 + (1 - h[m] * h[m]) * R1[m][m] * R2[m][m];
        }
        for (int j = 0; j < D; j++) {
            double z = (double)l.x[i * D + j];
            for (int m = 0; m < M; m++)
                for (int k = 0; k < M; k++)
                    z += Q[j][m] * R1[m][k] * h[k];
            assert_near(l.z[i * D + j], z, near_enough);
        }
        assert_near(l.logdet[i], log(det), near_enough);
    }
}

static void its_tensors_are_named(void **state)
{
    layer l;
    layer_create(*state, yaml, place, 1, D, 0, &l);
    static const char *const names[] = {"reflections", "triangles", "raw_r2", "b"};
    assert_int_equal(l.b->parameters.count, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(l.b->parameters.tensors[i].name, names[i]);
        assert_false(l.b->parameters.tensors[i].decay);
    }
    assert_int_equal(l.b->parameters.size, K * D + M * M + 2 * M);
}

/* What inverse gives for z goes to z, near the fold and far away and whatever the
   diagonals are (where s and r2 are small x itself is lost in the rounding of z). */
static void it_stays_invertible_whatever_the_parameters(void **state)
{
    const double raw[] = {-1e4, -3, 0, 2, 30};
    const double epsilon = sizeof(flo_real) == 8 ? 1e-11 : 1e-3;
    for (int c = 0; c < 25; c++) {
        layer l;
        layer_create(*state, yaml, place, B, D, 0, &l);
        const flo_tensor *const p = l.b->parameters.tensors;
        for (int j = 0; j < M; j++) {
            l.theta[p[1].offset + j * M + j] = (flo_real)raw[c / 5];
            l.theta[p[2].offset + j] = (flo_real)raw[c % 5];
        }
        for (int i = 0; i < B * D; i++)
            l.x[i] *= (flo_real)(i / D == 0 ? 1e6 : i / D);
        flo_real x[B * D], z[B * D];
        layer_zero_gradients(&l);
        layer_forward(&l);
        layer_backward(&l);
        assert_all_finite("dtheta", l.P, l.dtheta);
        layer_inverse(&l, x);
        memcpy(z, l.z, sizeof z);
        memcpy(l.x, x, sizeof x);
        layer_forward(&l);
        for (int i = 0; i < B; i++) {
            double size = 1, error = 0;
            for (int j = i * D; j < (i + 1) * D; j++) {
                size = fmax(size, fabs((double)z[j]));
                error = fmax(error, fabs((double)l.z[j] - (double)z[j]));
            }
            if (!(error <= epsilon * size))
                fail_msg("raw s %g, raw r2 %g, row %d: z comes back with error %g of "
                         "%g",
                         raw[c / 5], raw[c % 5], i, error, size);
        }
    }
}

/* At the start W has directions of its own, and R1 a gradient. */
static void it_starts_in_random_directions(void **state)
{
    enum { WIDE = 40 };
    layer l;
    layer_create(*state, "{kind: sylvester, rank: 3}", place, B, WIDE, 0, &l);
    const flo_random_key key = {1, FLO_RANDOM_PARAMETERS, 2, 0};
    l.b->kind->init(l.b, key, l.theta);
    layer_zero_gradients(&l);
    layer_forward(&l);
    layer_backward(&l);
    const flo_tensor *const t = &l.b->parameters.tensors[1];
    for (int j = 0; j < M; j++)
        for (int k = j; k < M; k++)
            assert_true(fabs((double)l.dtheta[t->offset + j * M + k]) > 1e-3);
    /* y = W x in the cache, of x = e_j: no row of W lies along the first columns. */
    layer_create(*state, "{kind: sylvester, rank: 3}", place, M, WIDE, 0, &l);
    l.b->kind->init(l.b, key, l.theta);
    fill_reals(M * WIDE, 0, l.x);
    for (int j = 0; j < M; j++)
        l.x[j * WIDE + j] = 1;
    layer_forward(&l);
    for (int i = 0; i < M * M; i++)
        assert_true(fabs((double)l.pass.cache[M * M + i]) < 0.7);
}

static void a_row_without_an_inverse_says_so(void **state)
{
    layer l;
    layer_create(*state, yaml, place, B, D, 0, &l);
    layer_forward(&l);
    l.z[0] = (flo_real)INFINITY;
    l.z[D] = (flo_real)NAN;
    flo_real x[B * D];
    layer_inverse(&l, x);
    for (int i = 0; i < B; i++)
        assert_true(isnan(l.logdet[i]) == (i < 2));
    assert_all_near("x", (B - 2) * D, x + 2 * D, l.x + 2 * D, 1e-3);
}

static void its_rank_is_at_most_the_columns(void **state)
{
    fixture *const f = *state;
    flo_bijection *b;
    assert_message(
        f, FLO_ERROR_CONFIG,
        flo_bijection_create(f->arena, parse(f, "{kind: sylvester, rank: 5}"), 4, 0,
                             &place, &b),
        "a.yaml:1: rank: found \"5\", wanted at most the number of columns, 4");
    layer l;
    layer_create(f, "{kind: sylvester}", place, 1, 40, 0, &l);
    assert_int_equal(l.b->parameters.tensors[1].shape[0], 16);
    assert_int_equal(l.b->parameters.tensors[0].shape[0], 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(it_is_the_formula),
        FIXTURE_TEST(its_tensors_are_named),
        FIXTURE_TEST(it_stays_invertible_whatever_the_parameters),
        FIXTURE_TEST(it_starts_in_random_directions),
        FIXTURE_TEST(a_row_without_an_inverse_says_so),
        FIXTURE_TEST(its_rank_is_at_most_the_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

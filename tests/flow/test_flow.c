/* A flow from its config: layers, names, places, laws of the whole chain, and errors.
 */
#include "flow/flow.h"

#include "flow/build.h"

#include <stdio.h>

enum { D = 4, C = 2, B = 6 };

static const char *const both[] = {BUILD_DENSITY, BUILD_SAMPLING};

static void layers_stand_in_order_with_names_and_slices(void **state)
{
    static const char *const names[] = {
        "00_standardize",     "01_permutation",       "02_lu_linear",
        "03_affine_coupling", "04_permutation",       "05_lu_linear",
        "06_affine_coupling", "07_additive_coupling", "08_elementwise_affine"};
    static const int64_t occurrences[] = {0, 0, 0, 0, 1, 1, 1, 2, 3};
    const flo_flow *const flow = build_flow(*state, BUILD_DENSITY, D, C);
    assert_int_equal(flow->layers, 9);
    assert_int_equal(flow->fixed, 2);
    assert_int_equal(flow->preprocess, 1);
    assert_int_equal(flow->ready, 9);
    assert_false(flo_flow_waits(flow));
    assert_int_equal(flow->direction, FLO_DIRECTION_DENSITY);
    int64_t parameters = 0, constants = 2 * C; /* of context_00_standardize */
    for (int64_t k = 0; k < 9; k++) {
        const flo_layer *const layer = &flow->layer[k];
        assert_string_equal(layer->name, names[k]);
        assert_int_equal(layer->place.index, k);
        assert_int_equal(layer->place.occurrence, occurrences[k]);
        assert_int_equal(layer->place.seed, 21);
        assert_int_equal(layer->parameters, parameters);
        assert_int_equal(layer->constants, constants);
        parameters += layer->bijection->parameters.size;
        constants += layer->bijection->constants.size;
    }
    assert_int_equal(flow->base_parameters, parameters);
    assert_int_equal(flow->parameters.size, parameters);
    assert_int_equal(flow->constants.size, constants);
}

static bool has_tensor(const flo_layout *layout, const char *name)
{
    for (int64_t i = 0; i < layout->count; i++)
        if (strcmp(layout->tensors[i].name, name) == 0)
            return true;
    return false;
}

static void tensors_are_named_by_layer_and_role(void **state)
{
    const flo_flow *const flow = build_flow(*state, BUILD_DENSITY, D, C);
    static const char *const parameters[] = {"02_lu_linear/factors",
                                             "03_affine_coupling/hidden_0/weight",
                                             "03_affine_coupling/context/weight",
                                             "06_affine_coupling/output/bias",
                                             "07_additive_coupling/block_0/1/weight",
                                             "07_additive_coupling/block_0/gate/bias",
                                             "08_elementwise_affine/log_scale"};
    static const char *const constants[] = {
        "context_00_standardize/mean", "00_standardize/deviation",
        "04_permutation/order", "07_additive_coupling/mask"};
    for (int i = 0; i < 7; i++)
        assert_true(has_tensor(&flow->parameters, parameters[i]));
    for (int i = 0; i < 4; i++)
        assert_true(has_tensor(&flow->constants, constants[i]));
    int64_t end = 0;
    for (int64_t i = 0; i < flow->parameters.count; i++) {
        assert_int_equal(flow->parameters.tensors[i].offset, end);
        end += flow->parameters.tensors[i].count;
    }
    assert_int_equal(end, flow->parameters.size);
}

static void a_repeat_is_the_list_written_out(void **state)
{
#define PAIR "{kind: permutation}, {kind: affine_coupling, hidden: 5}"
    const flo_flow *const a =
        build_flow(*state,
                   "flow: {layers: [{repeat: 2, layers: [{repeat: 2, layers: [" PAIR
                   "]}]}, {kind: lu_linear}]}",
                   D, 0);
    const flo_flow *const b = build_flow(*state,
                                         "flow: {layers: [" PAIR ", " PAIR ", " PAIR
                                         ", " PAIR ", {kind: lu_linear}]}",
                                         D, 0);
    assert_int_equal(a->layers, 9);
    assert_int_equal(b->layers, 9);
    for (int64_t k = 0; k < 9; k++)
        assert_string_equal(a->layer[k].name, b->layer[k].name);
    assert_int_equal(a->constants.size, b->constants.size);
    assert_same_bits("constants", (size_t)a->constants.size * sizeof(double),
                     a->constant, b->constant);
    flo_real *const x = build_theta(*state, a), *const y = build_theta(*state, b);
    flo_flow_init(a, x);
    flo_flow_init(b, y);
    assert_same_bits("theta", (size_t)a->parameters.size * sizeof *x, x, y);
    for (int64_t k = 1; k < 7; k += 2) { /* masks alternate, orders differ */
        const double *const mask = a->constant + a->layer[k].constants;
        const double *const next = a->constant + a->layer[k + 2].constants;
        for (int64_t j = 0; j < D; j++)
            assert_true(mask[j] + next[j] == 1);
    }
#undef PAIR
}

static void initial_parameters_are_all_set_by_the_seed(void **state)
{
    const flo_flow *const flow = build_flow(*state, BUILD_DENSITY, D, C);
    const int64_t P = flow->parameters.size;
    flo_real *const theta = build_reals(*state, P), *const again =
                                                        build_reals(*state, P);
    fill_reals(P, (double)NAN, theta);
    flo_flow_init(flow, theta);
    flo_flow_init(flow, again);
    assert_all_finite("theta", P, theta);
    assert_same_bits("theta", (size_t)P * sizeof *theta, theta, again);
    const flo_real *const a = theta + flow->layer[3].parameters;
    const flo_real *const b = theta + flow->layer[6].parameters;
    assert_true(a[0] != b[0]); /* layers of one shape start differently */
}

/* Data rows in, log_prob and logdet out; the noise rows stay in the workspace. */
static void run_log_prob(const flo_flow *flow, const flo_real *theta, flo_workspace *w)
{
    draw_normals(1, 1, w->rows * flow->features, flo_workspace_data(flow, w));
    flo_flow_log_prob(flow, theta, w);
}

static void log_prob_is_base_plus_logdet_and_generate_inverts_it(void **state)
{
    for (int way = 0; way < 2; way++)
        for (int training = 0; training < 2; training++) {
            const flo_flow *const flow = build_flow(*state, both[way], D, C);
            const flo_real *const theta = build_theta(*state, flow);
            flo_workspace w = build_workspace(*state, flow, B, training);
            if (training)
                flo_workspace_draw(flow, &w, 3, 100);
            flo_real x[B * D], z[B * D];
            double logdet[B], base[B] = {0};
            run_log_prob(flow, theta, &w);
            draw_normals(1, 1, B * D, x);
            memcpy(z, flo_workspace_noise(flow, &w), sizeof z);
            memcpy(logdet, w.logdet, sizeof logdet);
            const flo_pass pass = {.rows = B};
            flow->base->kind->log_prob(flow->base, NULL, &pass, z, base);
            for (int64_t i = 0; i < B; i++)
                assert_near(w.log_prob[i], base[i] + logdet[i], 1e-13);
            flo_flow_generate(flow, theta, &w);
            assert_all_near("x", B * D, flo_workspace_data(flow, &w), x,
                            10 * near_enough);
            for (int64_t i = 0; i < B; i++)
                assert_near(w.logdet[i], -logdet[i], 10 * near_enough);
        }
}

/* The density of either direction is a density, under any context. */
#define FAR_LAYERS(LAYER)                                                              \
    "flow: {layers: [{repeat: 3, layers: [{kind: lu_linear}, " LAYER "]}]"
static const char *const far_flows[] = {
    BUILD_DENSITY,
    BUILD_SAMPLING,
    FAR_LAYERS("{kind: affine_autoregressive, hidden: 8}") ", base: {kind: "
                                                           "autoregressive_mixture, "
                                                           "hidden: 8, components: 3}}",
    FAR_LAYERS("{kind: affine_coupling, width: 8}") ", base: {kind: mixture}}",
    FAR_LAYERS("{kind: spline_coupling, width: 8}") "}",
    FAR_LAYERS("{kind: spline_autoregressive, width: 8}") ", base: {kind: student_t}}",
    FAR_LAYERS("{kind: planar}, {kind: householder}, {kind: actnorm}") "}",
    FAR_LAYERS("{kind: radial}, {kind: sylvester}") "}",
};

/* However far out a row is, its density is a number or 0; bad parameters are told. */
static void no_finite_row_is_without_a_density(void **state)
{
    static const double far[] = {1e18, 1e20, 1e30, 1e37, 1e38, 3e38};
    static const double signs[][D] = {
        {1, 1, 1, 1}, {-1, 1, -1, 1}, {1, 0, 0, 0}, {0, 0, 0, -1}, {-1, -1, 1, 0}};
    for (size_t f = 0; f < sizeof far_flows / sizeof *far_flows; f++) {
        const flo_flow *const flow = build_flow(*state, far_flows[f], D, C);
        flo_real *const theta = build_theta(*state, flow);
        flo_workspace w = build_workspace(*state, flow, 5, false);
        for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
            flo_real *const x = flo_workspace_data(flow, &w);
            for (int i = 0; i < 5 * D; i++)
                x[i] = (flo_real)(far[k] * signs[i / D][i % D]);
            flo_flow_log_prob(flow, theta, &w);
            for (int i = 0; i < 5; i++)
                assert_true(w.log_prob[i] < (double)INFINITY);
        }
        fill_reals(flow->parameters.size, (double)NAN, theta);
        run_log_prob(flow, theta, &w);
        assert_true(isnan(w.log_prob[0]));
    }
}

static void densities_integrate_to_one(void **state)
{
    enum { N = 200 };
    const double width = 24, step = width / N;
    for (int way = 0; way < 2; way++) {
        const flo_flow *const flow = build_flow(*state, both[way], 2, C);
        const flo_real *const theta = build_theta(*state, flow);
        flo_workspace w = build_workspace(*state, flow, N, false);
        for (int64_t i = C; i < N * C; i++)
            w.context[i] = w.context[i % C];
        double sum = 0;
        for (int64_t i = 0; i < N; i++) {
            flo_real *const x = flo_workspace_data(flow, &w);
            for (int64_t j = 0; j < N; j++) {
                x[2 * j] = (flo_real)(((double)i + 0.5) * step - width / 2);
                x[2 * j + 1] = (flo_real)(((double)j + 0.5) * step - width / 2);
            }
            flo_flow_log_prob(flow, theta, &w);
            for (int64_t j = 0; j < N; j++)
                sum += exp(w.log_prob[j]) * step * step;
        }
        assert_near(sum, 1, 2e-3);
    }
}

/* Dropout noise and base samples are functions of step and row of the batch. */
static void noise_does_not_depend_on_how_a_batch_is_cut(void **state)
{
    const flo_flow *const flow = build_flow(*state, BUILD_DENSITY, D, C);
    const flo_real *const theta = build_theta(*state, flow);
    flo_workspace all = build_workspace(*state, flow, B, true);
    flo_workspace part = build_workspace(*state, flow, B, true);
    const flo_random_key key = {3, FLO_RANDOM_SAMPLES, 0, 0};
    part.rows = 2;
    flo_workspace_draw(flow, &all, 5, 10);
    flo_workspace_draw(flow, &part, 5, 13);
    const int64_t n = flow->layer[3].bijection->noise;
    const size_t row = (size_t)n * sizeof(flo_real);
    assert_int_equal(n, 15);
    assert_same_bits("noise", 2 * row, part.noise[3], all.noise[3] + 3 * n);
    assert_memory_not_equal(all.noise[6], all.noise[3], row); /* another layer */
    flo_workspace_draw(flow, &part, 6, 13);
    assert_memory_not_equal(part.noise[3], all.noise[3] + 3 * n, row); /* and step */
    flo_workspace_sample(flow, theta, &all, key, 10, 1);
    flo_workspace_sample(flow, theta, &part, key, 13, 1);
    assert_same_bits("samples", 2 * D * sizeof(flo_real),
                     flo_workspace_noise(flow, &part),
                     flo_workspace_noise(flow, &all) + 3 * D);
}

static void the_first_layer_with_a_bad_value_is_found(void **state)
{
    const flo_flow *const flow = build_flow(*state, BUILD_DENSITY, D, C);
    flo_real *const theta = build_theta(*state, flow);
    flo_workspace w = build_workspace(*state, flow, B, true);
    flo_workspace_draw(flow, &w, 0, 0);
    run_log_prob(flow, theta, &w);
    assert_int_equal(flo_flow_first_nonfinite(flow, &w), -1);
    const int64_t layers[] = {8, 7, 5, 2};
    for (int i = 0; i < 4; i++) {
        const int64_t at =
            flow->layer[layers[i] + 1 < 9 ? layers[i] + 1 : 8].parameters;
        const int64_t last = layers[i] == 8 ? flow->parameters.size - 1 : at - 1;
        theta[last] = (flo_real)NAN; /* the last parameter of the layer: a bias */
        run_log_prob(flow, theta, &w);
        assert_int_equal(flo_flow_first_nonfinite(flow, &w), layers[i]);
    }
    run_log_prob(flow, build_theta(*state, flow), &w);
    w.logdet[B - 1] = (double)INFINITY;
    assert_int_equal(flo_flow_first_nonfinite(flow, &w), flow->layers);
    run_log_prob(flow, build_theta(*state, flow), &w);
    w.log_prob[0] = -(double)INFINITY; /* as a row outside of a uniform base has */
    assert_int_equal(flo_flow_first_nonfinite(flow, &w), flow->layers);
}

static void the_description_names_layers_and_counts(void **state)
{
    const flo_flow *const flow = build_flow(*state, BUILD_DENSITY, D, C);
    char *text, all[32];
    assert_int_equal(flo_flow_describe(flow, &text), FLO_OK);
    for (int64_t k = 0; k < flow->layers; k++)
        assert_non_null(strstr(text, flow->layer[k].name));
    snprintf(all, sizeof all, "%lld parameters", (long long)flow->parameters.size);
    assert_non_null(strstr(text, "correlated_normal"));
    assert_non_null(strstr(text, all));
}

#define CONTEXT_FLOW                                                                   \
    "{preprocess_context: %s, flow: {layers: [{kind: affine_coupling, hidden: 4}]}}"

/* A flow whose context passes through `steps` (YAML). */
static flo_flow *build_with_steps(fixture *f, const char *steps)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, CONTEXT_FLOW, steps);
    return build_flow(f, yaml, D, C);
}

/* Any number of steps, in order, leave what they make in `context`. */
static void the_context_passes_through_its_layers_once(void **state)
{
    static const char *const steps[] = {
        "[]", "[{kind: standardize}]",
        "[{kind: standardize}, {kind: permutation, order: reverse}]",
        "[{kind: standardize}, {repeat: 2, layers: [{kind: permutation, order: "
        "reverse}]}]"};
    for (int s = 0; s < 4; s++) {
        const flo_flow *const flow = build_with_steps(*state, steps[s]);
        assert_int_equal(flow->context_layers, s);
        assert_int_equal(flow->context_ready, s);
        flo_workspace w = build_workspace(*state, flow, B, s % 2);
        flo_real given[B * C], wanted[B * C];
        draw_normals(8, 3, B * C, given);
        memcpy(w.raw_context, given, sizeof given);
        for (int64_t i = 0; i < B * C; i++) {
            const int64_t j = D + i % C; /* the moments that build_flow gives */
            const double z =
                (given[i] - (0.3 * (double)j - 0.2)) / (0.8 + 0.1 * (double)j);
            wanted[s == 2 ? i - i % C + C - 1 - i % C : i] = s ? (flo_real)z : given[i];
        }
        flo_workspace_condition(flow, &w);
        assert_all_near(steps[s], B * C, w.context, wanted, near_enough);
    }
}

static void wrong_steps_of_the_context_are_refused(void **state)
{
    static const struct {
        const char *steps, *word;
        int64_t context;
    } bad[] = {
        {"3", "preprocess_context", C},
        {"{kind: standardize}", "a list such as", C},
        {"[{kind: lu_linear}]", "without learned parameters", C},
        {"[{kind: dequantize, levels: 3}]", "a kind without noise", C},
        {"[{kind: sigmoid}, {kind: log}]", "context_01_log takes positive numbers", C},
        {"[{kind: standardize}]", "data.context", 0}};
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char yaml[512];
        flo_flow *flow;
        snprintf(yaml, sizeof yaml, CONTEXT_FLOW, bad[i].steps);
        assert_int_equal(
            flo_flow_create(f->arena, parse(f, yaml), D, bad[i].context, 1, &flow),
            FLO_ERROR_CONFIG);
        assert_non_null(strstr(flo_context_message(f->context), bad[i].word));
    }
}

static void wrong_flows_are_refused(void **state)
{
#define LU "{kind: lu_linear}"
    static const struct {
        const char *yaml, *word, *other;
    } bad[] = {
        {"{}", "flow.layers", ""},
        {"flow: 3", "flow", ""},
        {"flow: {layers: null}", "flow.layers", ""},
        {"flow: {layers: [null]}", "flow.layers[0]", "a layer such as"},
        {"flow: {base: null, layers: [" LU "]}", "flow.base", ""},
        {"flow: {base: [], layers: [" LU "]}", "flow.base", "a kind of density"},
        {"{preprocess: null, flow: {layers: [" LU "]}}", "preprocess", "a list"},
        {"flow: {layers: {kind: lu_linear}}", "flow.layers", "a list of layers"},
        {"flow: {layers: []}", "flow.layers", "at least one layer with parameters"},
        {"flow: {layers: [{kind: permutation}]}", "flow.layers",
         "at least one layer with parameters to learn"},
        {"flow: {layers: [" LU ", {kind: glow}]}", "flow.layers[1].kind",
         "a kind of bijection"},
        {"flow: {layers: [{kind: standardize}, " LU "]}", "flow.layers[0]",
         "may only stand in `preprocess`"},
        {"flow: {layers: [{kind: dequantize, levels: 2}, {kind: logit}, " LU "]}",
         "flow.layers[0]", "dequantize may only stand in `preprocess`"},
        {"{preprocess: [{kind: lu_linear}], flow: {layers: [" LU "]}}", "preprocess[0]",
         "without learned parameters"},
        {"{preprocess: {kind: standardize}, flow: {layers: [" LU "]}}", "preprocess",
         "a list such as [{kind: standardize}]"},
        {"{preprocess: [{kind: standardize}], flow: {direction: sampling, layers: [" LU
         "]}}",
         "preprocess", "no preprocess steps with flow.direction: sampling"},
        {"flow: {direction: sideways, layers: [" LU "]}", "flow.direction", "density"},
        {"flow: {base: {kind: correlated_normal, log_evidence: 1}, layers: [" LU "]}",
         "flow.base", "a normalised base"},
        {"flow: {layers: [{repeat: 0, layers: [" LU "]}]}", "repeat", "0"},
        {"flow: {layers: [{repeat: 2}]}", "layers", ""},
        {"flow: {layers: [{repeat: 2, layer: [" LU "]}]}", "layer", "layers"},
        {"flow: {layers: [{repeat: 2, layers: " LU "}]}", "layers", "a list of layers"},
        {"flow: {layers: [{repeat: 50001, layers: [{kind: permutation}, "
         "{kind: elementwise_affine}]}]}",
         "flow.layers", "at most 100000 layers"},
    };
#undef LU
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        flo_flow *flow;
        const flo_status status =
            flo_flow_create(f->arena, parse(f, bad[i].yaml), 2, 0, 1, &flow);
        const char *const message = flo_context_message(f->context);
        if (status != FLO_ERROR_CONFIG || !strstr(message, bad[i].word) ||
            !strstr(message, bad[i].other))
            fail_msg("%s: status %d, message: %s", bad[i].yaml, status, message);
    }
}

/* A flow that waits for its first moments. */
static flo_flow *unfitted(fixture *f, const char *yaml, int64_t features,
                          int64_t contexts)
{
    flo_flow *flow;
    if (flo_flow_create(f->arena, parse(f, yaml), features, contexts, 1, &flow) !=
        FLO_OK)
        fail_msg("%s: %s", yaml, flo_context_message(f->context));
    return flow;
}

/* Moments that are k everywhere, but where `deviation` says otherwise. */
static flo_moments plain(double k, double *numbers, double *deviation)
{
    for (int i = 0; i < 3 * (D + C); i++)
        numbers[i] = k + (i >= 2 * (D + C));
    return (flo_moments){.mean = numbers,
                         .deviation = deviation,
                         .low = numbers + D + C,
                         .high = numbers + 2 * (D + C)};
}

/* Each layer that waits gets the moments of its own pass; those that do not wait are
   ready as soon as those before them are. */
static void layers_are_fitted_one_after_the_other(void **state)
{
    flo_flow *const flow = unfitted(
        *state,
        "{preprocess: [{kind: dequantize, levels: 9}, {kind: logit}, {kind: "
        "standardize}, {kind: permutation}, {kind: tanh}, {kind: standardize}, "
        "{kind: box, columns: 1}], preprocess_context: [{kind: tanh}, {kind: "
        "standardize}], flow: {layers: [{kind: lu_linear}]}}",
        2, 1);
    static const int64_t ready[] = {2, 5, 6, 8}, context_ready[] = {1, 2, 2, 2};
    double numbers[3 * (D + C)], ones[D + C] = {1, 1, 1, 1, 1, 1};
    for (int pass = 0; pass < 4; pass++) {
        const flo_moments moments = plain(pass, numbers, ones);
        assert_int_equal(flo_flow_fit(flow, pass ? &moments : NULL), FLO_OK);
        assert_int_equal(flow->ready, ready[pass]);
        assert_int_equal(flow->context_ready, context_ready[pass]);
        assert_int_equal(flo_flow_waits(flow), pass < 3);
    }
    const double *const first = flow->constant + flow->layer[2].constants;
    const double *const second = flow->constant + flow->layer[5].constants;
    const double *const box = flow->constant + flow->layer[6].constants;
    const double *const context = flow->constant + flow->context_layer[1].constants;
    assert_true(first[0] == 1 && second[1] == 2 && context[0] == 1);
    assert_near(box[0], 2.9, 1e-12);
    assert_near(box[1], 4.1, 1e-12);
}

/* Bad deviation in column `bad`; the words that the message must hold. */
static void check_refused(fixture *f, int64_t contexts, int bad, const char *words)
{
    double numbers[3 * (D + C)], deviation[D + C] = {1, 1, 1, 1, 1, 1};
    flo_flow *const flow = unfitted(f, BUILD_DENSITY, 2, contexts);
    deviation[bad] = 0;
    const flo_moments moments = plain(0, numbers, deviation);
    assert_int_equal(flo_flow_fit(flow, &moments), FLO_ERROR_DATA);
    if (!strstr(flo_context_message(f->context), words))
        fail_msg("%s is not in: %s", words, flo_context_message(f->context));
}

static void a_constant_column_is_refused_by_fit(void **state)
{
    check_refused(*state, 0, 1, "standardize: column 1");
    check_refused(*state, 2, 3, "context columns: standardize: column 1");
}

/* preprocessed is the log-determinant of `preprocess`, whatever else has none. */
static void the_part_of_preprocess_is_kept(void **state)
{
    static const char *const flows[] = {
        "{preprocess: [{kind: tanh}, {kind: box, low: -9, high: 9}], flow: {layers: "
        "[{kind: tanh}, {kind: lu_linear}]}}",
        "flow: {layers: [{kind: tanh}, {kind: lu_linear}]}"};
    for (int i = 0; i < 2; i++) {
        const flo_flow *const flow = build_flow(*state, flows[i], D, 0);
        flo_workspace w = build_workspace(*state, flow, B, i);
        draw_normals(1, 1, B * D, w.value[0]);
        flo_flow_log_prob(flow, build_theta(*state, flow), &w);
        double wanted[B];
        flo_workspace again = build_workspace(*state, flow, B, true);
        draw_normals(1, 1, B * D, again.value[0]);
        for (int64_t k = 0; k < flow->preprocess; k++)
            flo_flow_forward_layer(flow, NULL, &again, k);
        memcpy(wanted, again.logdet, sizeof wanted);
        assert_same_bits(flows[i], sizeof wanted, w.preprocessed, wanted);
        assert_int_equal(wanted[0] != 0, !i);
    }
}

/* Noise of a layer that dithers: in training by step and row of the batch, elsewhere
   by the row of the split, however rows are cut. */
static void rows_are_dithered_by_their_number(void **state)
{
    enum { ROWS = 20 };
    static const char yaml[] =
        "{preprocess: [{kind: dequantize, levels: 4, columns: [0, 2]}, {kind: logit, "
        "columns: [0, 2]}], flow: {layers: [{kind: affine_coupling, hidden: 3, "
        "dropout: 0.5}]}}";
    const flo_flow *const flow = build_flow(*state, yaml, D, 0);
    const size_t row = 2 * sizeof(flo_real);
    flo_workspace all = build_workspace(*state, flow, ROWS, false);
    flo_workspace part = build_workspace(*state, flow, ROWS, true);
    assert_null(all.noise[2]);
    flo_workspace_dither(flow, &all, 0, ROWS, 1000);
    flo_workspace_dither(flow, &part, 3, 5, 1007);
    assert_memory_equal(part.noise[0] + 3 * 2, all.noise[0] + 7 * 2, 5 * row);
    flo_real other[2 * ROWS];
    flo_workspace_draw(flow, &part, 8, 1000);
    memcpy(other, part.noise[0], sizeof other);
    assert_memory_not_equal(other, all.noise[0], sizeof other);
    flo_workspace_draw(flow, &part, 9, 1000);
    assert_memory_not_equal(other, part.noise[0], sizeof other);
    flo_workspace_draw(flow, &part, 0, 1000); /* of no step is it that of the split */
    assert_memory_not_equal(part.noise[0], all.noise[0], sizeof other);
    flo_workspace_draw(flow, &part, 8, 1003);
    assert_memory_equal(other + 3 * 2, part.noise[0], (ROWS - 3) * row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(layers_stand_in_order_with_names_and_slices),
        FIXTURE_TEST(tensors_are_named_by_layer_and_role),
        FIXTURE_TEST(a_repeat_is_the_list_written_out),
        FIXTURE_TEST(initial_parameters_are_all_set_by_the_seed),
        FIXTURE_TEST(log_prob_is_base_plus_logdet_and_generate_inverts_it),
        FIXTURE_TEST(densities_integrate_to_one),
        FIXTURE_TEST(no_finite_row_is_without_a_density),
        FIXTURE_TEST(noise_does_not_depend_on_how_a_batch_is_cut),
        FIXTURE_TEST(the_first_layer_with_a_bad_value_is_found),
        FIXTURE_TEST(the_description_names_layers_and_counts),
        FIXTURE_TEST(the_context_passes_through_its_layers_once),
        FIXTURE_TEST(wrong_steps_of_the_context_are_refused),
        FIXTURE_TEST(wrong_flows_are_refused),
        FIXTURE_TEST(a_constant_column_is_refused_by_fit),
        FIXTURE_TEST(layers_are_fitted_one_after_the_other),
        FIXTURE_TEST(the_part_of_preprocess_is_kept),
        FIXTURE_TEST(rows_are_dithered_by_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

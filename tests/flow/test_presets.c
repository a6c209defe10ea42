/* Presets: the layers that they stand for, what they take and what they refuse. */
#include "flow/presets.h"

#include "flow/build.h"

#include <stdio.h>

/* The tree of a config after its preset was expanded. */
static flo_node *expanded(fixture *f, const char *yaml)
{
    flo_node *const root = parse(f, yaml);
    if (flo_presets_expand(f->arena, root) != FLO_OK)
        fail_msg("%s: %s", yaml, flo_context_message(f->context));
    return root;
}

static void assert_expands(fixture *f, const char *yaml, const char *wanted)
{
    flo_node *const root = expanded(f, yaml);
    char *path;
    assert_int_equal(
        flo_settings_difference(f->arena, parse(f, wanted), root, NULL, 0, &path),
        FLO_OK);
    char *text;
    assert_int_equal(flo_yaml_print(f->arena, root, &text), FLO_OK);
    if (path)
        fail_msg("%s: %s differs from what is wanted:\n%s", yaml, path, text);
    assert_prints_itself(f, root);
}

#define STANDARDIZE "preprocess: [{kind: standardize}]"
#define NET "width: 128, blocks: 2, activation: relu, dropout: 0"
#define LU "{kind: lu_linear}"
#define ORDERED_LU "{kind: permutation, order: reverse}, " LU
#define AFFINE "{kind: affine_autoregressive, " NET ", scale_limit: 1}"
#define COUPLING "kind: affine_coupling, mask: alternating, "
#define MAF_LAYERS "layers: [{repeat: 5, layers: [" ORDERED_LU ", " AFFINE "]}, " LU "]"

static void each_preset_stands_for_its_layers(void **state)
{
    static const char *const pairs[][2] = {
        {"flow: {preset: maf}", "{" STANDARDIZE ", flow: {" MAF_LAYERS "}}"},
        {"flow: {preset: iaf}", "flow: {direction: sampling, " MAF_LAYERS "}"},
        {"flow: {preset: nice}",
         "{" STANDARDIZE ", flow: {layers: [{repeat: 8, layers: [{kind: "
         "additive_coupling, mask: alternating, " NET
         "}]}, {kind: elementwise_affine}]}}"},
        {"flow: {preset: realnvp}",
         "{" STANDARDIZE ", flow: {layers: [{repeat: 10, layers: [" LU
         ", {" COUPLING NET ", scale_limit: 1}]}, " LU "]}}"},
        {"flow: {preset: glow_mlp}",
         "{" STANDARDIZE ", flow: {layers: [{repeat: 10, layers: [{kind: actnorm}, " LU
         ", {" COUPLING NET ", scale_limit: 1}]}, " LU "]}}"},
        {"flow: {preset: nsf_coupling}",
         "{" STANDARDIZE ", flow: {layers: [{repeat: 10, layers: [" LU
         ", {kind: spline_coupling, mask: alternating, " NET
         ", bins: 8, tail_bound: 5, tails: linear, unconditional: true}]}, " LU "]}}"},
        {"flow: {preset: nsf_autoregressive}",
         "{" STANDARDIZE ", flow: {layers: [{repeat: 10, layers: [" ORDERED_LU
         ", {kind: spline_autoregressive, " NET
         ", bins: 8, tail_bound: 5, tails: linear}]}, " LU "]}}"},
        {"flow: {preset: maf_mog}",
         "{" STANDARDIZE
         ", flow: {base: {kind: autoregressive_mixture, components: 10, "
         "" NET "}, " MAF_LAYERS "}}"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_expands(*state, pairs[i][0], pairs[i][1]);
}

static void settings_reach_the_layers(void **state)
{
#define HIDDEN "hidden: [7, 9], activation: tanh, dropout: 0.25"
#define THREE "layers: [{repeat: 3, layers: ["
    static const char *const pairs[][2] = {
        {"flow: {preset: realnvp, steps: 3, hidden: [7, 9], activation: tanh, dropout: "
         "0.25, scale_limit: 1.5, mixing: householder}",
         "{" STANDARDIZE ", flow: {" THREE "{kind: householder}, {" COUPLING HIDDEN
         ", scale_limit: 1.5}]}, {kind: householder}]}}"},
        {"flow: {preset: realnvp, steps: 3, width: 5, blocks: 1, mixing: none}",
         "{" STANDARDIZE ", flow: {" THREE "{" COUPLING
         "width: 5, blocks: 1, activation: relu, dropout: 0, scale_limit: 1}]}]}}"},
        {"flow: {preset: nsf_coupling, steps: 3, hidden: 4, bins: 5, tail_bound: 2.5, "
         "mixing: permutation}",
         "{" STANDARDIZE ", flow: {" THREE
         "{kind: permutation, order: random}, {kind: spline_coupling, mask: "
         "alternating, hidden: [4], activation: relu, dropout: 0, bins: 5, tail_bound: "
         "2.5, tails: linear, unconditional: true}]}]}}"},
        {"flow: {preset: maf, steps: 3, mixing: reverse}",
         "{" STANDARDIZE ", flow: {" THREE
         "{kind: permutation, order: reverse}, " AFFINE "]}]}}"},
        {"flow: {preset: maf, steps: 3, mixing: householder}",
         "{" STANDARDIZE ", flow: {" THREE
         "{kind: permutation, order: reverse}, {kind: householder}, " AFFINE
         "]}, {kind: householder}]}}"},
        {"flow: {preset: maf_mog, steps: 3, components: 4, mixing: none, hidden: 6}",
         "{" STANDARDIZE ", flow: {base: {kind: autoregressive_mixture, components: 4, "
         "hidden: [6], activation: relu, dropout: 0}, " THREE
         "{kind: affine_autoregressive, hidden: [6], activation: relu, dropout: 0, "
         "scale_limit: 1}]}]}}"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_expands(*state, pairs[i][0], pairs[i][1]);
}

/* What stands beside a preset stays: base, direction, other sections. */
static void what_is_written_besides_stays(void **state)
{
    static const char *const pairs[][2] = {
        {"{preprocess: [], flow: {preset: maf, base: {kind: student_t}}}",
         "{preprocess: [], flow: {base: {kind: student_t}, " MAF_LAYERS "}}"},
        {"flow: {preset: maf_mog, base: {kind: normal}, direction: density}",
         "{" STANDARDIZE
         ", flow: {direction: density, base: {kind: normal}, " MAF_LAYERS "}}"},
        {"flow: {preset: maf, direction: sampling}",
         "flow: {direction: sampling, " MAF_LAYERS "}"},
        {"flow: {preset: iaf, direction: sampling}",
         "flow: {direction: sampling, " MAF_LAYERS "}"},
        {"{train: {steps: 5}, flow: {layers: [" LU "]}}",
         "{train: {steps: 5}, flow: {layers: [" LU "]}}"},
        {"{train: {steps: 5}}", "{train: {steps: 5}}"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_expands(*state, pairs[i][0], pairs[i][1]);
}

/* Every preset with every mixing that it has, both networks, with and without context,
   is a flow whose density is finite. */
static void every_preset_is_a_flow(void **state)
{
    static const char *const mixes[] = {"lu", "householder", "permutation", "none",
                                        "reverse"};
    static const char *const networks[] = {"hidden: [8]", "width: 8, blocks: 1"};
    enum { B = 5, D = 3 };
    for (const flo_preset *p = flo_presets; p->settings; p++)
        for (int c = 0; c < 20; c++) {
            char yaml[256];
            snprintf(yaml, sizeof yaml, "flow: {preset: %s, steps: 2, mixing: %s, %s}",
                     p->settings->name, mixes[c % 5], networks[c % 2]);
            fixture *const f = *state;
            flo_node *const root = parse(f, yaml);
            if (flo_presets_expand(f->arena, root) != FLO_OK) {
                assert_string_equal(mixes[c % 5], "reverse"); /* of couplings */
                continue;
            }
            char *text;
            assert_int_equal(flo_yaml_print(f->arena, root, &text), FLO_OK);
            const flo_flow *const flow = build_flow(f, text, D, c < 10 ? 0 : 2);
            flo_real *const theta = build_reals(f, flow->parameters.size);
            flo_workspace w = build_workspace(f, flow, B, false);
            flo_flow_init(flow, theta);
            draw_normals(7, 1, B * D, flo_workspace_data(flow, &w));
            flo_flow_log_prob(flow, theta, &w);
            for (int64_t i = 0; i < B; i++)
                if (!isfinite(w.log_prob[i]))
                    fail_msg("%s: log_prob %g", yaml, w.log_prob[i]);
        }
}

static void wrong_presets_are_refused(void **state)
{
    static const struct {
        const char *yaml, *where, *word;
    } bad[] = {
        {"flow: {preset: mav}", "flow.preset", "maf, iaf, nice, realnvp"},
        {"flow: {preset: [maf]}", "flow.preset", "a preset: maf"},
        {"flow: {preset: null}", "flow.preset", "a preset: maf"},
        {"flow: {preset: maf, layers: [" LU "]}", "flow.layers", "flow.preset: maf"},
        {"flow: {preset: maf, kind: maf}", "flow.kind", "no kind here"},
        {"flow: {preset: maf, bins: 8}", "flow.bins", "the settings of maf"},
        {"flow: {preset: nice, scale_limit: 1}", "flow.scale_limit",
         "settings of nice"},
        {"flow: {preset: maf, components: 3}", "flow.components", "settings of maf"},
        {"flow: {preset: maf, step: 3}", "flow.step", "did you mean steps"},
        {"flow: {preset: maf, steps: 0}", "flow.steps", "1"},
        {"flow: {preset: realnvp, mixing: reverse}", "flow.mixing", "householder"},
        {"flow: {preset: maf, mixing: glow}", "flow.mixing", "reverse"},
        {"flow: {preset: maf, width: 5, hidden: 5}", "flow.width", "either hidden"},
        {"flow: {preset: maf, width: 0}", "flow.width", "or hidden"},
        {"flow: {preset: iaf, direction: density}", "flow.direction", "sampling"},
    };
    fixture *const f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const flo_status status = flo_presets_expand(f->arena, parse(f, bad[i].yaml));
        const char *const message = flo_context_message(f->context);
        if (status != FLO_ERROR_CONFIG || !strstr(message, bad[i].where) ||
            !strstr(message, bad[i].word) || !strstr(message, "a.yaml:1"))
            fail_msg("%s: status %d, message: %s", bad[i].yaml, status, message);
    }
}

/* Layers that do not fit the data are told with the line of the preset. */
static void layers_of_a_preset_are_told_as_such(void **state)
{
    fixture *const f = *state;
    flo_node *const root = expanded(f, "run: {}\nflow:\n  preset: realnvp\n");
    flo_flow *flow;
    assert_int_equal(flo_flow_create(f->arena, root, 1, 0, 1, &flow), FLO_ERROR_CONFIG);
    assert_non_null(strstr(flo_context_message(f->context),
                           "a.yaml:3: preset realnvp: flow.layers[0].layers[1]"));
}

static flo_status parse_and_expand(flo_context *context)
{
    static const char yaml[] = "flow: {preset: maf_mog, hidden: [5, 6]}";
    flo_arena *arena;
    flo_node *root;
    FLO_TRY(flo_arena_create(context, &arena));
    flo_status status = flo_yaml_parse(arena, "a.yaml", yaml, strlen(yaml), &root);
    if (status == FLO_OK)
        status = flo_presets_expand(arena, root);
    flo_arena_destroy(&arena);
    return status;
}

static void expanding_survives_every_failed_allocation(void **state)
{
    (void)state;
    flo_status status = FLO_ERROR_MEMORY;
    int64_t n = 0;
    while (status != FLO_OK) {
        flo_context *context;
        assert_int_equal(flo_context_create(&context), FLO_OK);
        context->fail_at = ++n;
        status = parse_and_expand(context);
        if (status != FLO_OK)
            assert_int_equal(status, FLO_ERROR_MEMORY);
        assert_int_equal(flo_context_destroy(&context), 0);
    }
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(each_preset_stands_for_its_layers),
        FIXTURE_TEST(settings_reach_the_layers),
        FIXTURE_TEST(what_is_written_besides_stays),
        FIXTURE_TEST(every_preset_is_a_flow),
        FIXTURE_TEST(wrong_presets_are_refused),
        FIXTURE_TEST(layers_of_a_preset_are_told_as_such),
        FIXTURE_TEST(expanding_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

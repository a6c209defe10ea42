/* For tests of flows: a flow, its parameters and a workspace from YAML text. */
#ifndef FLO_TESTS_FLOW_BUILD_H
#define FLO_TESTS_FLOW_BUILD_H

#include "flow/workspace.h"

#include "config/fixture.h"
#include "nn/parameters.h"

/* Layers of every sort: fixed ones, context, dropout, both conditioners, a repeat. */
#define BUILD_LAYERS                                                                   \
    "layers: [{repeat: 2, layers: [{kind: permutation}, {kind: lu_linear}, "           \
    "{kind: affine_coupling, hidden: [9, 6], activation: tanh, dropout: 0.25}]}, "     \
    "{kind: additive_coupling, mask: half, width: 7, blocks: 1, activation: silu}, "   \
    "{kind: elementwise_affine}]"
#define BUILD_DENSITY_WITH(SECTION)                                                    \
    "{" SECTION "preprocess: [{kind: standardize}], flow: {base: {kind: "              \
    "correlated_normal, correlation: 0.4}, " BUILD_LAYERS "}}"
#define BUILD_SAMPLING_WITH(SECTION)                                                   \
    "{" SECTION "flow: {direction: sampling, " BUILD_LAYERS "}}"
#define BUILD_DENSITY BUILD_DENSITY_WITH("")
#define BUILD_SAMPLING BUILD_SAMPLING_WITH("")

static inline flo_real *build_reals(fixture *f, int64_t count)
{
    flo_real *memory;
    assert_int_equal(flo_arena_take(f->arena, count, sizeof *memory, &memory), FLO_OK);
    return memory;
}

/* Makes the flow of a config, and fits every layer that waits to the same moments. */
static inline flo_flow *build_flow(fixture *f, const char *yaml, int64_t D, int64_t C)
{
    flo_flow *flow;
    if (flo_flow_create(f->arena, parse(f, yaml), D, C, 21, &flow) != FLO_OK)
        fail_msg("%s: %s", yaml, flo_context_message(f->context));
    double *numbers; /* mean, deviation, low, high [D + C] each */
    const int64_t n = D + C;
    assert_int_equal(flo_arena_take(f->arena, 4 * n, sizeof *numbers, &numbers),
                     FLO_OK);
    for (int64_t j = 0; j < n; j++) {
        numbers[j] = 0.3 * (double)j - 0.2;
        numbers[n + j] = 0.8 + 0.1 * (double)j;
        numbers[2 * n + j] = -2;
        numbers[3 * n + j] = 3 + (double)j;
    }
    const flo_moments moments = {.mean = numbers,
                                 .deviation = numbers + n,
                                 .low = numbers + 2 * n,
                                 .high = numbers + 3 * n};
    do
        assert_int_equal(flo_flow_fit(flow, &moments), FLO_OK);
    while (flo_flow_waits(flow));
    return flow;
}

/* Parameters as a trained flow has them: nowhere zero. */
static inline flo_real *build_theta(fixture *f, const flo_flow *flow)
{
    flo_real *const theta = build_reals(f, flow->parameters.size);
    draw_parameters(&flow->parameters, theta);
    return theta;
}

/* A workspace with random context. */
static inline flo_workspace build_workspace(fixture *f, const flo_flow *flow,
                                            int64_t rows, bool training)
{
    flo_workspace w;
    flo_real *const scratch = build_reals(f, flo_workspace_scratch(flow, rows));
    assert_int_equal(flo_workspace_create(f->arena, flow, rows, training, scratch, &w),
                     FLO_OK);
    draw_normals(2, 1, rows * flow->context, w.context);
    return w;
}

#endif

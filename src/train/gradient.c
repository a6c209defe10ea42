/* The gradient of a step, summed in the order of the lane tree. */
#include "train/gradient.h"

#include "core/clock.h"
#include "core/integers.h"
#include "core/lane_tree.h"
#include "linalg/bf16.h"
#include "train/partial_sums.h"

#include <omp.h>
#include <string.h>

enum { BLOCK = 4096 }; /* reals that threads add at a time, in cache */

/* One thread and its lanes. */
typedef struct worker {
    int64_t first, last;      /* lanes */
    flo_workspace *workspace; /* [last - first] */
    flo_real *stack;          /* [depth - nodes, widest slice]: sums of one layer */
    flo_real *block;          /* [depth - nodes of the rank, BLOCK] */
    int64_t nodes;
    flo_real **node; /* [nodes] of [P] */
    int64_t nonfinite;
} worker;

struct flo_gradient {
    flo_context *context; /* borrowed: counts the lanes' layers */
    flo_gradient_task task;
    flo_exchange *exchange;
    worker *worker;        /* [threads] */
    int64_t nodes;         /* of the rank */
    flo_real **node;       /* [nodes] of [P], the exchange's */
    int64_t widest;        /* reals of the widest slice */
    int64_t buckets;       /* in the order of parameters */
    int64_t *bucket_slice; /* [buckets + 1]: first slice of each */
    int64_t *bounds;       /* [buckets + 1]: first parameter of each */
    double exposed_seconds;
    bool held;      /* buckets leave after the backward pass */
    bool alone;     /* there is no other rank */
    flo_bf16 *copy; /* of the parameters, where products take them rounded */
    flo_rounded rounded;
};

/* Slices are the layers and, as slice L, the base density. */
static int64_t slice_first(const flo_flow *flow, int64_t k)
{
    if (k > flow->layers)
        return flow->parameters.size;
    return k == flow->layers ? flow->base_parameters : flow->layer[k].parameters;
}

static const flo_layout *slice_layout(const flo_flow *flow, int64_t k)
{
    return k == flow->layers ? &flow->base->parameters
                             : &flow->layer[k].bijection->parameters;
}

static int64_t slice_size(const flo_flow *flow, int64_t k)
{
    return slice_first(flow, k + 1) - slice_first(flow, k);
}

/* Cuts the slices, from the last on, into buckets of at least the wanted size. */
static flo_status cut_buckets(flo_arena *arena, flo_gradient *g)
{
    const flo_flow *const flow = g->task.flow;
    const int64_t slices = flow->layers + 1;
    const double wanted = g->task.bucket_mb * 1e6 / (double)sizeof(flo_real);
    FLO_TRY(flo_arena_take(arena, slices + 1, sizeof(int64_t), &g->bucket_slice));
    FLO_TRY(flo_arena_take(arena, slices + 1, sizeof(int64_t), &g->bounds));
    int64_t end = slices, count = 0;
    g->bucket_slice[count++] = slices; /* filled from the end, reversed below */
    for (int64_t k = slices - 1; k >= 0; k--) {
        const int64_t reals = slice_first(flow, end) - slice_first(flow, k);
        if ((double)reals >= wanted || k == 0) {
            g->bucket_slice[count++] = k;
            end = k;
        }
    }
    g->buckets = count - 1;
    for (int64_t i = 0; i < count / 2; i++) {
        const int64_t other = g->bucket_slice[count - 1 - i];
        g->bucket_slice[count - 1 - i] = g->bucket_slice[i];
        g->bucket_slice[i] = other;
    }
    for (int64_t b = 0; b <= g->buckets; b++)
        g->bounds[b] = slice_first(flow, g->bucket_slice[b]);
    return FLO_OK;
}

/* A single thread's nodes are the rank's. */
static flo_status take_nodes(flo_arena *arena, flo_gradient *g, worker *w)
{
    w->nodes = flo_lane_nodes(g->task.plan->lanes, w->first, w->last, NULL, NULL);
    w->node = g->node;
    if (g->task.threads == 1)
        return FLO_OK;
    FLO_TRY(flo_arena_take(arena, w->nodes, sizeof *w->node, &w->node));
    for (int64_t i = 0; i < w->nodes; i++)
        FLO_TRY(flo_arena_take(arena, g->task.flow->parameters.size, sizeof(flo_real),
                               &w->node[i]));
    return FLO_OK;
}

static flo_status create_worker(flo_arena *arena, flo_gradient *g, int64_t rank_depth,
                                worker *w)
{
    const flo_lane_plan *const plan = g->task.plan;
    const int64_t most_rows = flo_divide_up(plan->batch, plan->lanes);
    const int64_t depth = flo_lane_depth(plan->lanes, w->first, w->last);
    flo_real *scratch;
    FLO_TRY(take_nodes(arena, g, w));
    FLO_TRY(flo_arena_take(arena, (depth - w->nodes) * g->widest, sizeof(flo_real),
                           &w->stack));
    FLO_TRY(flo_arena_take(arena, (rank_depth - g->nodes) * BLOCK, sizeof(flo_real),
                           &w->block));
    FLO_TRY(flo_arena_take(arena, flo_workspace_scratch(g->task.flow, most_rows),
                           sizeof(flo_real), &scratch));
    FLO_TRY(
        flo_arena_take(arena, w->last - w->first, sizeof *w->workspace, &w->workspace));
    for (int64_t i = 0; i < w->last - w->first; i++) {
        FLO_TRY(flo_workspace_create(arena, g->task.flow, most_rows, true, scratch,
                                     &w->workspace[i]));
        w->workspace[i].rounded = g->copy ? &g->rounded : NULL;
        w->workspace[i].fresh = true;
    }
    return FLO_OK;
}

static flo_status take_copy(flo_arena *arena, flo_gradient *g)
{
    if (g->task.gemm != FLO_GEMM_BF16)
        return FLO_OK;
    return flo_arena_take(arena, flo_bf16_room(g->task.flow->parameters.size),
                          sizeof *g->copy, &g->copy);
}

static flo_status create_workers(flo_comm *comm, flo_arena *arena, flo_gradient *g)
{
    const int64_t V = g->task.plan->lanes, T = g->task.threads;
    const int64_t workers = flo_comm_size(comm) * T, mine = flo_comm_rank(comm) * T;
    const int64_t first = flo_lane_first(V, workers, mine);
    const int64_t last = flo_lane_first(V, workers, mine + T);
    const int64_t rank_depth = flo_lane_depth(V, first, last);
    g->nodes = flo_lane_nodes(V, first, last, NULL, NULL);
    FLO_TRY(flo_arena_take(arena, g->nodes, sizeof *g->node, &g->node));
    for (int64_t i = 0; i < g->nodes; i++)
        g->node[i] = flo_exchange_node(g->exchange, i);
    for (int64_t k = 0; k <= g->task.flow->layers; k++)
        g->widest = slice_size(g->task.flow, k) > g->widest
                        ? slice_size(g->task.flow, k)
                        : g->widest;
    FLO_TRY(take_copy(arena, g));
    FLO_TRY(flo_arena_take(arena, T, sizeof *g->worker, &g->worker));
    for (int64_t t = 0; t < T; t++) {
        g->worker[t].first = flo_lane_first(V, workers, mine + t);
        g->worker[t].last = flo_lane_first(V, workers, mine + t + 1);
        FLO_TRY(create_worker(arena, g, rank_depth, &g->worker[t]));
    }
    return FLO_OK;
}

flo_status flo_gradient_create(flo_comm *comm, flo_arena *arena,
                               const flo_gradient_task *task, flo_gradient **gradient)
{
    flo_context *const context = flo_arena_context(arena);
    flo_gradient *g;
    flo_status status = flo_arena_take(arena, 1, sizeof *g, &g);
    FLO_TRY(flo_comm_agree(comm, context, status));
    g->context = context;
    g->task = *task;
    g->alone = flo_comm_size(comm) == 1;
    FLO_TRY(flo_comm_agree(comm, context, cut_buckets(arena, g)));
    FLO_TRY(flo_exchange_create(comm, context, task->plan->lanes, g->buckets, g->bounds,
                                &g->exchange));
    status = flo_comm_agree(comm, context, create_workers(comm, arena, g));
    if (status != FLO_OK)
        flo_exchange_destroy(&g->exchange);
    *gradient = g;
    return status;
}

void flo_gradient_destroy(flo_gradient **gradient)
{
    if (*gradient)
        flo_exchange_destroy(&(*gradient)->exchange);
    *gradient = NULL;
}

/* Rows of weight 0 add nothing, but what stands there, zeros of a dropped row say, may
   not be what the first layers take: they repeat the first row that counts. Where none
   does, the lane has no rows in this step. */
static void replace_weightless(const flo_flow *flow, flo_workspace *ws)
{
    const int64_t D = flow->features;
    flo_real *const x = flo_workspace_data(flow, ws);
    int64_t first = 0;
    while (first < ws->rows && ws->weight[first] == 0)
        first++;
    if (first == ws->rows)
        ws->rows = 0;
    for (int64_t i = 0; i < ws->rows; i++)
        if (ws->weight[i] == 0)
            memcpy(x + i * D, x + first * D, (size_t)D * sizeof *x);
}

/* Forward of all lanes of a worker. */
static void forward(const flo_gradient *g, worker *w, const flo_real *theta,
                    int64_t step, double *value, double *weight)
{
    const flo_gradient_task *const task = &g->task;
    w->nonfinite = 0;
    for (int64_t lane = w->first; lane < w->last; lane++) {
        flo_workspace *const ws = &w->workspace[lane - w->first];
        const flo_rows_place place = {(uint64_t)step,
                                      flo_lane_batch_first(task->plan, lane)};
        ws->rows = flo_lane_batch_rows(task->plan, lane);
        memset(ws->dcontext, 0,
               (size_t)(ws->rows * task->flow->categories.encoded) *
                   sizeof *ws->dcontext);
        if (task->feed) {
            flo_batch batch = {.x = flo_workspace_data(task->flow, ws),
                               .context = ws->raw_context,
                               .weight = ws->weight};
            flo_feed_fetch(task->feed, lane, &batch);
            replace_weightless(task->flow, ws);
            flo_workspace_condition(task->flow, ws);
        }
        if (!ws->rows)
            continue;
        flo_workspace_draw(task->flow, ws, place.step, place.first_row);
        task->objective->kind->forward(task->objective, task->flow, theta, ws, place);
        const flo_lane_result result = flo_objective_sum(ws);
        value[lane] = result.value;
        weight[lane] = result.weight;
        w->nonfinite += result.nonfinite;
        flo_worked(g->context);
    }
}

/* Zeros for a lane's slice: of the weights that a backward pass overwrites only where
   none comes. */
static void clear(const flo_layout *layout, bool pass, flo_real *slice)
{
    for (int64_t i = 0; i < layout->count; i++) {
        const flo_tensor *const t = &layout->tensors[i];
        if (!(pass && t->decay))
            memset(slice + t->offset, 0, (size_t)t->count * sizeof *slice);
    }
}

/* Backward of slice k in all lanes of a worker, summed while it is in cache. */
static void backward_slice(const flo_gradient *g, worker *w, bool leads,
                           const flo_real *theta, int64_t k)
{
    const flo_flow *const flow = g->task.flow;
    const flo_partial_sums sums = {slice_size(flow, k),
                                   w->nodes,
                                   slice_first(flow, k),
                                   w->node,
                                   w->stack,
                                   g->widest};
    flo_lane_stack stack = {.lanes = g->task.plan->lanes};
    for (int64_t lane = w->first; lane < w->last; lane++) {
        flo_workspace *const ws = &w->workspace[lane - w->first];
        flo_real *const slice = flo_partial_sums_at(&sums, stack.count);
        clear(slice_layout(flow, k), ws->rows > 0, slice);
        if (ws->rows && k == flow->layers)
            g->task.objective->kind->backward(g->task.objective, flow, theta, ws,
                                              slice);
        else if (ws->rows)
            flo_flow_backward_layer(flow, theta, ws, k, slice);
        flo_partial_sums_push(&sums, &stack, 0, lane);
        flo_worked(g->context);
        if (leads) /* messages move only while somebody asks */
            flo_exchange_poke(g->exchange);
    }
}

/* Adds the threads' nodes of [begin, end) into the rank's. */
static void combine(const flo_gradient *g, worker *me, int64_t begin, int64_t end)
{
    const int64_t V = g->task.plan->lanes;
    const flo_partial_sums sums = {end - begin, g->nodes,  begin,
                                   g->node,     me->block, BLOCK};
    flo_lane_stack stack = {.lanes = V};
    for (int t = 0; t < g->task.threads; t++) {
        const worker *const w = &g->worker[t];
        int level[FLO_LANE_STACK];
        int64_t index[FLO_LANE_STACK];
        flo_lane_nodes(V, w->first, w->last, level, index);
        for (int64_t i = 0; i < w->nodes; i++) {
            memcpy(flo_partial_sums_at(&sums, stack.count), w->node[i] + begin,
                   (size_t)sums.n * sizeof *me->block);
            flo_partial_sums_push(&sums, &stack, level[i], index[i]);
        }
    }
}

/* The same of [first, last) by all threads of the team together, when all are there. */
static void combine_all(const flo_gradient *g, worker *me, int64_t first, int64_t last)
{
#pragma omp barrier
#pragma omp for schedule(static)
    for (int64_t begin = first; begin < last; begin += BLOCK)
        combine(g, me, begin, flo_lesser(begin + BLOCK, last));
}

/* Backward of a bucket's slices, called by every thread of the team. Then, where other
   ranks wait for it, the threads' nodes become the rank's, and the bucket leaves. */
static void backward_bucket(const flo_gradient *g, worker *me, bool leads,
                            const flo_real *theta, int64_t b)
{
    const int64_t lowest = g->bucket_slice[b] > g->task.flow->fixed
                               ? g->bucket_slice[b]
                               : g->task.flow->fixed;
    for (int64_t k = g->bucket_slice[b + 1] - 1; k >= lowest; k--)
        backward_slice(g, me, leads, theta, k);
    if (g->alone)
        return;
    if (g->task.threads > 1)
        combine_all(g, me, g->bounds[b], g->bounds[b + 1]);
    if (leads && !g->held)
        flo_exchange_start(g->exchange, b);
}

/* Held buckets go on their way. */
static void release(flo_gradient *g)
{
    const double begin = flo_seconds();
    for (int64_t b = g->buckets - 1; b >= 0; b--)
        flo_exchange_start(g->exchange, b);
    g->exposed_seconds += flo_seconds() - begin;
}

/* The copy of the parameters for this step, by all threads together. */
static void round_parameters(const flo_gradient *g)
{
    const int64_t P = g->task.flow->parameters.size;
    if (!g->copy)
        return;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < P; i += BLOCK)
        flo_bf16_round(flo_lesser(BLOCK, P - i), g->rounded.theta + i, g->copy + i);
}

int64_t flo_gradient_compute(flo_gradient *g, const flo_real *theta, int64_t step,
                             double *value, double *weight)
{
    memset(value, 0, (size_t)g->task.plan->lanes * sizeof *value);
    memset(weight, 0, (size_t)g->task.plan->lanes * sizeof *weight);
    g->rounded = (flo_rounded){theta, g->copy};
#pragma omp parallel num_threads(g->task.threads)
    {
        worker *const me = &g->worker[omp_get_thread_num()];
        round_parameters(g);
        forward(g, me, theta, step, value, weight);
        for (int64_t b = g->buckets - 1; b >= 0; b--)
            backward_bucket(g, me, omp_get_thread_num() == 0, theta, b);
        /* Where nobody else waits, threads meet once, not at every bucket. */
        if (g->alone && g->task.threads > 1)
            combine_all(g, me, 0, g->task.flow->parameters.size);
    }
    if (g->held && !g->alone)
        release(g);
    g->exposed_seconds += flo_exchange_finish(g->exchange);
    int64_t nonfinite = 0;
    for (int t = 0; t < g->task.threads; t++)
        nonfinite += g->worker[t].nonfinite;
    return nonfinite;
}

const flo_real *flo_gradient_vector(flo_gradient *gradient)
{
    return flo_exchange_sum(gradient->exchange);
}

const char *flo_gradient_bad_layer(const flo_gradient *g)
{
    const flo_flow *const flow = g->task.flow;
    for (int t = 0; t < g->task.threads; t++)
        for (int64_t i = 0; i < g->worker[t].last - g->worker[t].first; i++) {
            const int64_t k =
                flo_flow_first_nonfinite(flow, &g->worker[t].workspace[i]);
            if (k >= 0)
                return k < flow->layers ? flow->layer[k].name : flow->base->kind->name;
        }
    return NULL;
}

int64_t flo_gradient_buckets(const flo_gradient *gradient)
{
    return gradient->buckets;
}

void flo_gradient_hold(flo_gradient *gradient, bool held)
{
    gradient->held = held;
}

double flo_gradient_exposed_seconds(const flo_gradient *gradient)
{
    return gradient->exposed_seconds;
}

/* A training run built up to its first step. */
#include "train/trainer.h"

#include "comm/hosts.h"
#include "comm/watch.h"
#include "core/clock.h"
#include "core/integers.h"
#include "core/lane_tree.h"
#include "data/blocks.h"
#include "flow/model_file.h"
#include "linalg/bf16.h"
#include "linalg/products.h"
#include "run/checkpoints.h"
#include "train/angles.h"
#include "train/categories.h"
#include "train/guard.h"
#include "train/save.h"
#include "train/start.h"
#include "train/threads.h"

#include <math.h>
#include <string.h>

const flo_real *flo_trainer_parameters(const flo_trainer *t)
{
    return t->optimizer->average ? t->optimizer->average : t->theta;
}

/* The rows of train by the settings; of the others those columns that train has. */
static flo_status open_split(flo_trainer *t, flo_split split)
{
    return flo_rows_open_bound(t->context, &t->config.data,
                               (uint64_t)t->config.run.seed, split, t->schema,
                               &t->rows[split]);
}

static flo_status open_data(flo_trainer *t)
{
    FLO_TRY(flo_config_data(t->arena, &t->config));
    FLO_TRY(open_split(t, FLO_TRAIN));
    FLO_TRY(flo_rows_schema(t->rows[FLO_TRAIN], t->arena, &t->schema));
    if (t->config.data.validation)
        FLO_TRY(open_split(t, FLO_VALIDATION));
    return t->config.data.test ? open_split(t, FLO_TEST) : FLO_OK;
}

/* The window that was chosen once holds for the rest of the run. */
static flo_status keep_window(flo_trainer *t, const flo_node *stored)
{
    const flo_node *const data = stored ? flo_node_find(stored, "data") : NULL;
    const flo_node *const window = data ? flo_node_find(data, "window_rows") : NULL;
    if (!window || t->config.data.window_rows != FLO_AUTO)
        return FLO_OK;
    FLO_TRY(flo_node_set(t->arena, flo_node_find(t->config.root, "data"), "window_rows",
                         window->text, window->file));
    return flo_config_data(t->arena, &t->config);
}

/* A run that was started without steps for its context goes on so. */
static flo_status keep_context(flo_trainer *t, const flo_node *stored)
{
    static const char key[] = "preprocess_context";
    const flo_node *const steps = stored ? flo_node_find(stored, key) : NULL;
    if (!steps || steps->count || flo_node_find(t->config.root, key))
        return FLO_OK;
    return flo_node_set(t->arena, t->config.root, key, "[]", steps->file);
}

static flo_status create_feed(flo_trainer *t)
{
    const int64_t V = t->plan.lanes;
    const int ranks = flo_comm_size(t->comm), rank = flo_comm_rank(t->comm);
    const flo_feed_task task = {.rows = t->rows[FLO_TRAIN],
                                .settings = &t->config.data,
                                .seed = (uint64_t)t->config.run.seed,
                                .plan = &t->plan,
                                .first_lane = flo_lane_first(V, ranks, rank),
                                .last_lane = flo_lane_first(V, ranks, rank + 1),
                                .streams = t->streams};
    return flo_feed_create(t->context, &task, &t->feed);
}

/* All rows are kept where they fit, or where windows would take more. Every rank finds
   the same, that of the rank with the most lanes. */
static flo_status choose_mode(flo_trainer *t, const flo_lane_memory *memory)
{
    const int64_t ranks = flo_comm_size(t->comm);
    const int64_t lanes = flo_divide_up(t->plan.lanes, ranks);
    const int64_t reals = memory->row_bytes / (int64_t)sizeof(flo_real);
    const int64_t all = flo_feed_needs(&t->plan, lanes, reals, false);
    const int64_t windows = flo_feed_needs(&t->plan, lanes, reals, true);
    t->streams = all + memory->reader_bytes > memory->bytes && windows < all;
    const int64_t rows = t->streams ? windows : all;
    t->rows_bytes = rows + memory->reader_bytes;
    if (rows <= memory->bytes)
        return FLO_OK;
    return flo_settings_fail(
        t->arena, flo_node_find(flo_node_find(t->config.root, "data"), "memory"),
        "at least %.4g MB for %s of %lld rows of each of %lld lanes a rank: use more "
        "memory or ranks, or a smaller data.window_rows",
        1e-6 * (double)rows, t->streams ? "two windows" : "a window",
        (long long)t->plan.window_rows, (long long)lanes);
}

static flo_status plan_data(flo_trainer *t)
{
    const flo_rows *const rows = t->rows[FLO_TRAIN];
    const int64_t reals = flo_rows_features(rows) + flo_rows_context_features(rows) + 1;
    /* What reads ahead, and what reads once at the start and for validation. */
    const flo_lane_memory memory = {t->config.data.memory,
                                    reals * (int64_t)sizeof(flo_real),
                                    2 * flo_rows_bytes(rows)};
    t->plan.window_rows = t->config.data.window_rows;
    FLO_TRY(flo_blocks_of_rows(t->arena, rows, &t->plan));
    FLO_TRY(flo_lane_plan_make(t->context, &memory, &t->plan));
    char *text;
    FLO_TRY(flo_arena_print(t->arena, &text, "%lld", (long long)t->plan.window_rows));
    FLO_TRY(flo_node_set(t->arena, flo_node_find(t->config.root, "data"), "window_rows",
                         text, "chosen"));
    FLO_TRY(choose_mode(t, &memory));
    return t->options->check ? FLO_OK : create_feed(t);
}

static flo_status count_steps(flo_trainer *t)
{
    t->steps = t->config.train.steps;
    if (t->steps)
        return FLO_OK;
    if (!t->objective->kind->uses_data)
        return flo_settings_fail(t->arena, flo_node_find(t->config.root, "train"),
                                 "train.steps: without data there are no epochs");
    t->steps = (int64_t)ceil(t->config.train.epochs * (double)t->plan.rows /
                             (double)t->plan.batch);
    return FLO_OK;
}

static flo_status build_model(flo_trainer *t)
{
    const bool data = t->objective->kind->uses_data;
    const int64_t D =
        data ? flo_rows_features(t->rows[FLO_TRAIN]) : t->objective->features;
    const int64_t C = data ? flo_rows_context_features(t->rows[FLO_TRAIN]) : 0;
    FLO_TRY(flo_flow_create(t->arena, t->config.root, D, C,
                            (uint64_t)t->config.run.seed, &t->flow));
    t->flow->schema = t->schema;
    FLO_TRY(flo_objective_check(t->objective, t->arena, t->config.root, t->flow));
    FLO_TRY(flo_arena_take(t->arena, t->flow->parameters.size, sizeof *t->theta,
                           &t->theta));
    FLO_TRY(flo_arena_take(t->arena, 2 * t->plan.lanes + FLO_CONTROL_FLAGS,
                           sizeof *t->control, &t->control));
    FLO_TRY(flo_optimizer_create(t->arena, &t->config.train.optimizer,
                                 &t->flow->parameters, &t->optimizer));
    FLO_TRY(flo_tiles_create(t->arena, t->flow, t->threads, &t->tiles));
    return flo_config_print(t->arena, &t->config, &t->config_text);
}

/* That all ranks see the same data; what it is known by. */
static flo_status agree_on_data(flo_trainer *t)
{
    for (int split = FLO_TRAIN; split < FLO_SPLITS; split++) {
        uint64_t fingerprint;
        if (!t->rows[split])
            continue;
        FLO_TRY(flo_rows_agree(t->comm, t->rows[split], &fingerprint));
        if (split == FLO_TRAIN)
            t->fingerprint = fingerprint;
    }
    return FLO_OK;
}

static flo_status check_gemm(const flo_trainer *t)
{
    if (t->config.train.gemm != FLO_GEMM_BF16 || flo_bf16_pays())
        return FLO_OK;
    return flo_settings_fail(
        t->arena, flo_node_find(flo_node_find(t->config.root, "train"), "gemm"),
        "full: this program was not built in float for a processor with products of "
        "bfloat16 (AVX512_BF16: `grep -c avx512_bf16 /proc/cpuinfo` is not 0, and "
        "cmake was run on it with FLOTILLA_NATIVE=ON and FLOTILLA_DOUBLE=OFF)");
}

/* What one rank does alone, up to the data; errors are agreed on by the caller. */
static flo_status open_all(flo_trainer *t, const flo_node *stored)
{
    FLO_TRY(check_gemm(t));
    FLO_TRY(flo_objective_create(t->arena, t->config.root, &t->objective));
    t->plan = (flo_lane_plan){.lanes = t->config.train.lanes,
                              .batch = t->config.train.batch,
                              .seed = (uint64_t)t->config.run.seed};
    if (!t->objective->kind->uses_data)
        return FLO_OK;
    FLO_TRY(open_data(t));
    FLO_TRY(keep_window(t, stored));
    return keep_context(t, stored);
}

/* The same, from there on. */
static flo_status build(flo_trainer *t, const flo_node *stored)
{
    if (t->objective->kind->uses_data) {
        FLO_TRY(flo_angles_declare(t->arena, t->config.root, t->rows[FLO_TRAIN],
                                   t->config.data.period));
        FLO_TRY(plan_data(t));
    }
    FLO_TRY(count_steps(t));
    FLO_TRY(build_model(t));
    return stored ? flo_config_same(t->arena, stored, &t->config) : FLO_OK;
}

/* The config of the checkpoint that the run goes on from; NULL when it starts. */
static flo_status stored_config(flo_trainer *t, flo_node **stored)
{
    *stored = NULL;
    if (!t->checkpoint)
        return FLO_OK;
    flo_image *image;
    char *text;
    FLO_TRY(flo_start_image(t, &image));
    const flo_status status =
        flo_model_config(t->arena, image, t->resumed_path, &text, stored);
    flo_image_destroy(&image);
    return status;
}

static flo_status create_gradient(flo_trainer *t)
{
    const flo_gradient_task task = {.objective = t->objective,
                                    .flow = t->flow,
                                    .feed = t->feed,
                                    .plan = &t->plan,
                                    .threads = t->threads,
                                    .bucket_mb = t->config.comm.bucket_mb,
                                    .gemm = (flo_gemm)t->config.train.gemm};
    return flo_gradient_create(t->comm, t->arena, &task, &t->gradient);
}

static flo_status take_moments(flo_trainer *t)
{
    if (flo_hosts_count(t->comm) < flo_comm_size(t->comm))
        return flo_optimizer_share(t->optimizer, t->comm, t->context, &t->shared);
    return flo_comm_agree(t->comm, t->context,
                          flo_optimizer_take(t->arena, t->optimizer));
}

static flo_status create(flo_trainer *t)
{
    const flo_train_options *const o = t->options;
    flo_status status = flo_arena_create(t->context, &t->arena);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    FLO_TRY(flo_config_load(t->comm, t->arena, o->config, o->overrides,
                            o->override_count, &t->config));
    status = flo_threads_choose(t->comm, t->arena, &t->config, &t->threads);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    FLO_TRY(flo_hosts_find(t->comm, t->context, (int)t->config.comm.shared_ranks));
    const bool writes = !o->check && !o->unwritten;
    if (!o->check)
        FLO_TRY(flo_guard_start(t));
    if (writes)
        FLO_TRY(flo_start_look(t));
    if (writes && t->start == FLO_START_RESUME)
        FLO_TRY(flo_start_open(t));
    flo_node *stored;
    status = stored_config(t, &stored);
    if (status == FLO_OK)
        status = open_all(t, stored);
    FLO_TRY(flo_comm_agree(t->comm, t->context, status));
    FLO_TRY(flo_categories_settle(t, stored));
    FLO_TRY(flo_comm_agree(t->comm, t->context, build(t, stored)));
    FLO_TRY(agree_on_data(t));
    if (o->check)
        return FLO_OK;
    FLO_TRY(create_gradient(t));
    FLO_TRY(take_moments(t));
    if (t->checkpoint)
        FLO_TRY(flo_start_resume(t));
    else
        FLO_TRY(flo_start_new(t));
    return writes && t->start != FLO_START_RESUME ? flo_start_open(t) : FLO_OK;
}

flo_status flo_trainer_create(flo_comm *comm, flo_context *context,
                              const flo_train_options *options, flo_trainer *t)
{
    *t = (flo_trainer){.options = options,
                       .comm = comm,
                       .context = context,
                       .start_seconds = flo_seconds(),
                       .start = options->start,
                       .saving = {.step = -1, .saved_step = -1},
                       .blas_core = flo_blas_start()};
    t->progress = (flo_progress){.best = -INFINITY, .plateau.best = -INFINITY};
    return create(t);
}

void flo_trainer_destroy(flo_trainer *t)
{
    flo_saving_end(t);
    flo_watch_stop(t->comm);
    flo_directory_close(&t->directory);
    flo_gradient_destroy(&t->gradient);
    flo_feed_destroy(&t->feed);
    for (int split = 0; split < FLO_SPLITS; split++)
        flo_rows_close(&t->rows[split]);
    flo_shared_memory_destroy(&t->checkpoint);
    flo_free(t->context, &t->resumed_path);
    flo_shared_memory_destroy(&t->shared);
    flo_arena_destroy(&t->arena);
}

/* A model loaded on all ranks, and the rows to use it on. */
#include "train/loaded.h"

#include "comm/watch.h"
#include "flow/model_file.h"
#include "hdf5/sealed_file.h"
#include "linalg/products.h"
#include "run/checkpoints.h"
#include "train/config.h"
#include "train/origins.h"
#include "train/threads.h"

static flo_status read_file(flo_context *context, const char *model, flo_model_bytes *b)
{
    FLO_TRY(flo_checkpoints_model(context, model, &b->path));
    return flo_sealed_read(context, b->path, &b->bytes, &b->size);
}

static flo_status share(flo_comm *comm, flo_context *context, flo_model_bytes *b)
{
    int64_t size = (int64_t)b->size;
    flo_status status = FLO_OK;
    flo_comm_broadcast(comm, &size, sizeof size);
    b->size = (size_t)size;
    if (flo_comm_rank(comm) != 0)
        status = flo_allocate(context, size, 1, &b->bytes);
    FLO_TRY(flo_comm_agree(comm, context, status));
    flo_comm_broadcast(comm, b->bytes, size);
    return flo_comm_broadcast_text(comm, context, &b->path);
}

flo_status flo_model_bytes_read(flo_comm *comm, flo_context *context, const char *model,
                                flo_model_bytes *bytes)
{
    *bytes = (flo_model_bytes){.path = NULL};
    flo_status status =
        flo_comm_rank(comm) == 0 ? read_file(context, model, bytes) : FLO_OK;
    status = flo_comm_agree(comm, context, status);
    if (status == FLO_OK)
        status = share(comm, context, bytes);
    if (status != FLO_OK)
        flo_model_bytes_free(context, bytes);
    return status;
}

void flo_model_bytes_free(flo_context *context, flo_model_bytes *bytes)
{
    flo_free(context, &bytes->path);
    flo_free(context, &bytes->bytes);
}

static flo_status parse(flo_arena *arena, const flo_model_bytes *b, int thread_count,
                        flo_loaded *loaded)
{
    flo_image *image;
    char *text, *path;
    FLO_TRY(flo_arena_string(arena, b->path, &path));
    loaded->path = path;
    FLO_TRY(flo_image_open(flo_arena_context(arena), path, b->bytes, b->size, &image));
    flo_status status =
        flo_model_read(arena, image, path, true, &loaded->flow, &loaded->theta);
    if (status == FLO_OK)
        status = flo_model_config(arena, image, path, &text, &loaded->config);
    flo_image_destroy(&image);
    FLO_TRY(status);
    FLO_TRY(flo_tiles_create(arena, loaded->flow, thread_count, &loaded->tiles));
    flo_config run = {.root = loaded->config};
    FLO_TRY(flo_config_report(arena, &run));
    flo_tiles_score(loaded->tiles, run.report.draws);
    return FLO_OK;
}

/* The watchdog of the verbs, by the limit of the training run; without a run directory
   ranks see themselves alone. flo_comm_finish ends it. */
static flo_status watch(flo_comm *comm, flo_arena *arena, const flo_loaded *loaded)
{
    flo_context *const context = flo_arena_context(arena);
    flo_config config = {.root = loaded->config};
    FLO_TRY(flo_comm_agree(comm, context, flo_config_comm(arena, &config)));
    const flo_watch_task task = {.timeout_seconds = config.comm.timeout_seconds,
                                 .advice = "start it again"};
    return flo_watch_start(comm, context, &task);
}

flo_status flo_loaded_read(flo_comm *comm, flo_arena *arena, const char *model,
                           flo_loaded *loaded)
{
    flo_context *const context = flo_arena_context(arena);
    flo_model_bytes bytes;
    flo_blas_start();
    FLO_TRY(flo_model_bytes_read(comm, context, model, &bytes));
    const int thread_count = flo_threads_usable(comm);
    const flo_status status = parse(arena, &bytes, thread_count, loaded);
    flo_model_bytes_free(context, &bytes);
    FLO_TRY(flo_comm_agree(comm, context, status));
    return watch(comm, arena, loaded);
}

/* The run's own test split. */
static flo_status open_test(flo_context *context, const flo_loaded *loaded,
                            const flo_data_settings *settings, flo_rows **rows)
{
    if (settings->test)
        return flo_rows_open_bound(context, settings, loaded->flow->seed, FLO_TEST,
                                   loaded->flow->schema, rows);
    return flo_fail(context, FLO_ERROR_USAGE,
                    "%s: its run has no data.test, wanted DATA on the command line: "
                    "FILE[:dataset]",
                    loaded->path);
}

/* The data section of its run; all zero where it had no data. */
static flo_status read_settings(flo_arena *arena, const flo_loaded *loaded,
                                flo_data_settings *settings)
{
    flo_node *const section = flo_node_find(loaded->config, "data");
    *settings = (flo_data_settings){.test = NULL};
    if (!section)
        return FLO_OK;
    return flo_settings_read(arena, loaded->config, section, &flo_data_settings_table,
                             settings);
}

static flo_status open_rows(flo_arena *arena, const flo_loaded *loaded,
                            const char *data, flo_rows **rows)
{
    flo_context *const context = flo_arena_context(arena);
    const flo_flow *const flow = loaded->flow;
    flo_data_settings settings;
    FLO_TRY(read_settings(arena, loaded, &settings));
    if (data)
        FLO_TRY(flo_rows_open_like(context, &settings, data, flow->features,
                                   flow->schema, rows));
    else
        FLO_TRY(open_test(context, loaded, &settings, rows));
    if (flo_rows_features(*rows) == flow->features &&
        flo_rows_context_features(*rows) == flow->context)
        return FLO_OK;
    const flo_status status =
        flo_fail(context, FLO_ERROR_DATA,
                 "%s: data set %s has %lld columns and %lld of context, wanted %lld "
                 "and %lld as %s "
                 "was trained on",
                 flo_rows_file(*rows), flo_rows_dataset(*rows),
                 (long long)flo_rows_features(*rows),
                 (long long)flo_rows_context_features(*rows), (long long)flow->features,
                 (long long)flow->context, loaded->path);
    flo_rows_close(rows);
    return status;
}

flo_status flo_loaded_rows(flo_comm *comm, flo_arena *arena, const flo_loaded *loaded,
                           const char *data, flo_rows **rows)
{
    *rows = NULL;
    uint64_t fingerprint;
    flo_status status = flo_comm_agree(comm, flo_arena_context(arena),
                                       open_rows(arena, loaded, data, rows));
    if (status == FLO_OK)
        status = flo_rows_agree(comm, *rows, &fingerprint);
    if (status == FLO_OK)
        status = flo_comm_agree(comm, flo_arena_context(arena),
                                flo_origins_apply(loaded->flow, *rows));
    if (status != FLO_OK)
        flo_rows_close(rows);
    return status;
}

flo_status flo_loaded_conditions(flo_context *context, flo_arena *arena,
                                 const flo_loaded *loaded, const char *spec,
                                 flo_rows **rows)
{
    flo_data_settings settings;
    *rows = NULL;
    FLO_TRY(read_settings(arena, loaded, &settings));
    return flo_rows_open_conditions(context, &settings, spec, loaded->flow->context,
                                    loaded->flow->schema, rows);
}

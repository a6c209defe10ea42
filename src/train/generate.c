/* Samples over all ranks, in rounds of one chunk a rank. */
#include "train/generate.h"

#include "core/integers.h"
#include "flow/shift.h"
#include "hdf5/output.h"
#include "train/chunks.h"

#include <string.h>

/* What a rank works with. */
typedef struct generator {
    flo_comm *comm;
    flo_context *context;
    const flo_flow *flow;
    flo_tiles *tiles;
    const flo_real *theta;
    const flo_generation *task;
    flo_batch conditions;  /* of one chunk */
    const flo_real *given; /* [chunk, C], in conditions; NULL where C is 0 */
    flo_real *mine, *all;  /* [chunk, D], [ranks, chunk, D] on rank 0 */
    double *numbers;       /* as all, of a shifted flow */
    flo_output *output;    /* rank 0 */
} generator;

static flo_status prepare_conditions(generator *g, const flo_rows *rows)
{
    const int64_t D = flo_rows_features(rows), C = flo_rows_context_features(rows);
    flo_batch *const b = &g->conditions;
    const int64_t chunk = FLO_CHUNK_ROWS;
    FLO_TRY(flo_allocate(g->context, chunk * D, sizeof(flo_real), &b->x));
    FLO_TRY(flo_allocate(g->context, chunk * C, sizeof(flo_real), &b->context));
    FLO_TRY(flo_allocate(g->context, chunk, sizeof(flo_real), &b->weight));
    g->given = C ? b->context : b->x;
    return FLO_OK;
}

/* The labels, stored types and units of the model's columns. */
static flo_status name_columns(flo_arena *arena, const flo_schema_table *table,
                               flo_output_set *set)
{
    const char **labels, **types, **units;
    char(*digits)[FLO_SCHEMA_LABEL_BYTES];
    bool any_unit = false;
    FLO_TRY(flo_arena_take(arena, table->count, sizeof *labels, &labels));
    FLO_TRY(flo_arena_take(arena, table->count, sizeof *types, &types));
    FLO_TRY(flo_arena_take(arena, table->count, sizeof *units, &units));
    FLO_TRY(flo_arena_take(arena, table->count, sizeof *digits, &digits));
    for (int64_t j = 0; j < table->count; ++j) {
        const flo_schema_column *const c = &table->column[j];
        labels[j] = flo_schema_label(c, digits[j]);
        types[j] = c->type;
        units[j] = c->unit ? c->unit : "";
        any_unit = any_unit || c->unit;
    }
    set->columns = table->count;
    set->label = labels;
    set->type = types;
    set->unit = any_unit ? units : NULL;
    return FLO_OK;
}

/* Columns without a name, all of them in their order, are known by where they stand. */
static bool names_help(const flo_schema_table *table)
{
    bool any = !flo_schema_is_whole(table);
    for (int64_t j = 0; !any && j < table->count; ++j)
        any = table->column[j].name != NULL;
    return any;
}

/* Samples have the shape that the rows had where all of their columns are there, and
   know what their columns are where the model does. */
static flo_status create_output(generator *g)
{
    const flo_schema *const schema = g->flow->schema;
    const flo_generation *const task = g->task;
    flo_output_set set = {.name = "samples",
                          .element = g->numbers ? FLO_ELEMENT_DOUBLE : FLO_ELEMENT_REAL,
                          .rank = 1,
                          .shape = {g->flow->features}};
    flo_arena *arena;
    FLO_TRY(flo_arena_create(g->context, &arena));
    flo_status status = FLO_OK;
    if (schema && names_help(&schema->features))
        status = name_columns(arena, &schema->features, &set);
    if (schema && flo_schema_is_whole(&schema->features)) {
        set.rank = schema->features.rank;
        memcpy(set.shape, schema->features.shape, sizeof set.shape);
    }
    if (status == FLO_OK)
        status = flo_output_create_sets(g->context, task->path, task->force,
                                        task->source, task->count, 1, &set, &g->output);
    flo_arena_destroy(&arena);
    return status;
}

static flo_status prepare(generator *g)
{
    flo_context *const context = g->context;
    const int64_t D = g->flow->features, chunk = FLO_CHUNK_ROWS;
    FLO_TRY(flo_allocate(context, chunk * D, sizeof(flo_real), &g->mine));
    if (g->task->conditions)
        FLO_TRY(prepare_conditions(g, g->task->conditions));
    if (flo_comm_rank(g->comm) != 0)
        return FLO_OK;
    FLO_TRY(flo_allocate(context, flo_comm_size(g->comm) * chunk * D, sizeof(flo_real),
                         &g->all));
    if (g->flow->origin)
        FLO_TRY(flo_allocate(context, flo_comm_size(g->comm) * chunk * D,
                             sizeof *g->numbers, &g->numbers));
    return create_output(g);
}

/* The conditions of samples first .. first + count - 1; rows start anew at their end.
 */
static flo_status read_conditions(generator *g, int64_t first, int64_t count)
{
    flo_rows *const rows = g->task->conditions;
    const int64_t D = flo_rows_features(rows), C = flo_rows_context_features(rows);
    const int64_t N = flo_rows_count(rows);
    for (int64_t done = 0, n; done < count; done += n) {
        const int64_t row = (first + done) % N;
        n = N - row < count - done ? N - row : count - done;
        flo_batch part = {.x = g->conditions.x + done * D,
                          .context = g->conditions.context + done * C,
                          .weight = g->conditions.weight + done};
        FLO_TRY(flo_rows_read(rows, row, n, &part, NULL));
    }
    return FLO_OK;
}

static flo_status draw(generator *g, int64_t first, int64_t count)
{
    if (g->task->conditions)
        FLO_TRY(read_conditions(g, first, count));
    flo_tiles_sample(g->tiles, g->theta, g->task->seed, first, count,
                     g->task->temperature, g->given, g->mine);
    return FLO_OK;
}

static flo_status do_round(generator *g, int64_t round)
{
    const int64_t D = g->flow->features, total = g->task->count;
    const int64_t begin = round * flo_comm_size(g->comm) * FLO_CHUNK_ROWS;
    const int64_t first = begin + flo_comm_rank(g->comm) * FLO_CHUNK_ROWS;
    int64_t count = total - first;
    count = count < 0 ? 0 : count < FLO_CHUNK_ROWS ? count : FLO_CHUNK_ROWS;
    flo_status status = count ? draw(g, first, count) : FLO_OK;
    FLO_TRY(flo_comm_agree(g->comm, g->context, status));
    flo_comm_gather_reals(g->comm, g->mine, count * D, g->all);
    if (g->output) {
        const int64_t most = flo_comm_size(g->comm) * (int64_t)FLO_CHUNK_ROWS;
        const int64_t left = total - begin, rows = left < most ? left : most;
        if (g->numbers)
            flo_flow_unshift(g->flow, rows, 0, D, g->all, g->numbers);
        status = flo_output_write(g->output, begin, rows,
                                  g->numbers ? (const void *)g->numbers : g->all);
    }
    return flo_comm_agree(g->comm, g->context, status);
}

flo_status flo_generate(flo_comm *comm, flo_context *context, const flo_flow *flow,
                        flo_tiles *tiles, const flo_real *theta,
                        const flo_generation *generation)
{
    generator g = {.comm = comm,
                   .context = context,
                   .flow = flow,
                   .tiles = tiles,
                   .theta = theta,
                   .task = generation};
    flo_status status = flo_comm_agree(comm, context, prepare(&g));
    const int64_t most = flo_comm_size(comm) * (int64_t)FLO_CHUNK_ROWS;
    const int64_t rounds = flo_divide_up(generation->count, most);
    for (int64_t round = 0; round < rounds && status == FLO_OK; round++)
        status = do_round(&g, round);
    flo_free(context, &g.mine);
    flo_free(context, &g.all);
    flo_free(context, &g.numbers);
    flo_free(context, &g.conditions.x);
    flo_free(context, &g.conditions.context);
    flo_free(context, &g.conditions.weight);
    if (g.output && status == FLO_OK)
        status = flo_output_close(&g.output);
    flo_output_abandon(&g.output);
    return flo_comm_agree(comm, context, status);
}

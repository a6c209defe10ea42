/* Opening a source: every shard is looked at once and compared with the first. */
#include "data/source_private.h"

#include "data/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file, or an object in one, as the system knows it: it is found twice under two
   names, too. */
typedef struct known {
    flo_identity what;
    int64_t shard;
} known;

static int compare(const void *a, const void *b)
{
    const known *const x = a, *const y = b;
    if (x->what.device != y->what.device)
        return x->what.device < y->what.device ? -1 : 1;
    if (x->what.number != y->what.number)
        return x->what.number < y->what.number ? -1 : 1;
    if (x->what.address != y->what.address)
        return x->what.address < y->what.address ? -1 : 1;
    return x->shard < y->shard ? -1 : 1;
}

static bool is_same(const flo_identity *a, const flo_identity *b)
{
    return a->device == b->device && a->number == b->number && a->address == b->address;
}

/* Fails where two of known [count] are the same; sorts them. */
static flo_status refuse_same(const flo_source *source, known *all, int64_t count,
                              const char *what)
{
    qsort(all, (size_t)count, sizeof *all, compare);
    for (int64_t i = 1; i < count; ++i)
        if (is_same(&all[i].what, &all[i - 1].what))
            return flo_fail(source->context, FLO_ERROR_DATA,
                            "%s: found %s twice among data.files (the other time as "
                            "%s), wanted each once: its rows would count twice",
                            source->shard[all[i].shard].file, what,
                            source->shard[all[i - 1].shard].file);
    return FLO_OK;
}

/* Files that cannot be looked at are left to opening, which says why. */
static flo_status refuse_twins(const flo_source *source)
{
    known *files;
    int64_t count = 0;
    FLO_TRY(flo_allocate(source->context, source->info.shards, sizeof *files, &files));
    for (int64_t s = 0; s < source->info.shards; ++s) {
        struct stat about;
        if (stat(source->shard[s].file, &about) == 0)
            files[count++] =
                (known){{(uint64_t)about.st_dev, (uint64_t)about.st_ino, 0}, s};
    }
    const flo_status status = refuse_same(source, files, count, "the same file");
    flo_free(source->context, &files);
    return status;
}

/* Two files may hold links to one object. */
static flo_status refuse_shared(const flo_source *source)
{
    known *objects;
    int64_t count = 0;
    FLO_TRY(
        flo_allocate(source->context, source->info.shards, sizeof *objects, &objects));
    for (int64_t s = 0; s < source->info.shards; ++s)
        if (source->shard[s].object.number != 0)
            objects[count++] = (known){source->shard[s].object, s};
    const flo_status status =
        refuse_same(source, objects, count, "a link to the same array");
    flo_free(source->context, &objects);
    return status;
}

static flo_status make_shards(flo_source *source, const flo_texts *written)
{
    flo_texts files;
    char *label;
    FLO_TRY(flo_files_expand(source->arena, written, &files));
    if (files.count == 0)
        return flo_fail(source->context, FLO_ERROR_CONFIG,
                        "data.files: found an empty list, wanted at least one file");
    source->info.shards = files.count;
    FLO_TRY(flo_arena_take(source->arena, files.count, sizeof *source->shard,
                           &source->shard));
    for (int64_t s = 0; s < files.count; ++s)
        source->shard[s].file = files.values[s];
    if (files.count == 1)
        FLO_TRY(flo_arena_string(source->arena, files.values[0], &label));
    else
        FLO_TRY(flo_arena_print(source->arena, &label, "%s and %lld more",
                                files.values[0], (long long)files.count - 1));
    source->files = label;
    return refuse_twins(source);
}

/* Keeps what the first shard is: all others must be the same. */
static flo_status keep_first(flo_source *source, const flo_dataset *dataset)
{
    flo_source_info *const info = &source->info;
    source->dataset = *flo_dataset_describe(dataset);
    info->dataset = &source->dataset;
    info->columns = source->dataset.columns;
    info->by_name = source->dataset.by_name;
    info->is_group = source->dataset.is_group;
    source->chosen = info->is_group ? 0 : info->columns;
    if (info->columns == 0 || !flo_dataset_column_name(dataset, 0))
        return FLO_OK;
    FLO_TRY(flo_arena_take(source->arena, info->columns, sizeof *source->column_name,
                           &source->column_name));
    for (int64_t c = 0; c < info->columns; ++c) {
        char *name;
        FLO_TRY(flo_arena_string(source->arena, flo_dataset_column_name(dataset, c),
                                 &name));
        source->column_name[c] = name;
    }
    return FLO_OK;
}

static flo_status fail_differs(const flo_source *source, int64_t shard,
                               const char *found, const char *wanted)
{
    return flo_fail(source->context, FLO_ERROR_DATA,
                    "%s: data set '%s' %s, wanted %s, as in %s: the files of one data "
                    "set hold the same columns",
                    source->shard[shard].file, source->name, found, wanted,
                    source->shard[0].file);
}

static const char *kind_of(const flo_dataset_info *info)
{
    if (info->by_name)
        return info->is_group ? "a group" : "a compound";
    return strstr(info->type, "float") || info->type[1] == 'f' ? "floating point"
                                                               : "integers";
}

static flo_status check_names(const flo_source *source, int64_t shard,
                              const flo_dataset *dataset)
{
    char found[300], wanted[300];
    for (int64_t c = 0; source->column_name && c < source->info.columns; ++c) {
        const char *const name = flo_dataset_column_name(dataset, c);
        if (name && strcmp(name, source->column_name[c]) == 0)
            continue;
        snprintf(found, sizeof found, "has as column %lld %.200s", (long long)c,
                 name ? name : "one without a name");
        snprintf(wanted, sizeof wanted, "%.200s", source->column_name[c]);
        return fail_differs(source, shard, found, wanted);
    }
    return FLO_OK;
}

static flo_status check_shard(const flo_source *source, int64_t shard,
                              const flo_dataset *dataset)
{
    const flo_dataset_info *const info = flo_dataset_describe(dataset);
    char found[100], wanted[100];
    if (strcmp(kind_of(info), kind_of(&source->dataset)) != 0) {
        snprintf(found, sizeof found, "is of %s (%s)", kind_of(info), info->type);
        snprintf(wanted, sizeof wanted, "%s (%s)", kind_of(&source->dataset),
                 source->dataset.type);
        return fail_differs(source, shard, found, wanted);
    }
    if (info->columns != source->info.columns) {
        snprintf(found, sizeof found, "has %lld columns", (long long)info->columns);
        snprintf(wanted, sizeof wanted, "%lld", (long long)source->info.columns);
        return fail_differs(source, shard, found, wanted);
    }
    return check_names(source, shard, dataset);
}

/* Adds a shard to the figures of the whole. */
static void count_shard(flo_source *source, int64_t shard, const flo_dataset *dataset)
{
    const flo_dataset_info *const info = flo_dataset_describe(dataset);
    source->shard[shard].first = source->info.rows;
    source->shard[shard].rows = info->rows;
    source->shard[shard].chunk_rows = info->chunk_rows;
    source->info.rows += info->rows;
    source->info.stored_bytes += info->stored_bytes;
    source->info.direct = source->info.direct && info->direct;
    if (info->chunk_rows > source->info.chunk_rows)
        source->info.chunk_rows = info->chunk_rows;
    if (flo_dataset_bytes(dataset) > source->shard_bytes)
        source->shard_bytes = flo_dataset_bytes(dataset);
}

static void reset_counts(flo_source *source)
{
    source->info.rows = source->info.stored_bytes = source->info.chunk_rows = 0;
    source->info.direct = true;
    source->shard_bytes = 0;
}

static flo_status look_at(flo_source *source, int64_t shard)
{
    flo_dataset *dataset;
    FLO_TRY(flo_dataset_open(source->context, source->shard[shard].file, source->name,
                             &dataset));
    source->shard[shard].object = flo_dataset_describe(dataset)->identity;
    const flo_status status =
        shard == 0 ? keep_first(source, dataset) : check_shard(source, shard, dataset);
    if (status == FLO_OK && !source->info.is_group)
        count_shard(source, shard, dataset);
    flo_dataset_close(&dataset);
    return status;
}

static flo_status open_all(flo_source *source, const flo_texts *files, const char *name)
{
    char *copy;
    FLO_TRY(flo_arena_string(source->arena, name, &copy));
    source->name = copy;
    FLO_TRY(make_shards(source, files));
    reset_counts(source);
    for (int64_t s = 0; s < source->info.shards; ++s)
        FLO_TRY(look_at(source, s));
    return refuse_shared(source);
}

flo_status flo_source_open(flo_context *context, const flo_texts *files,
                           const char *name, flo_source **source)
{
    *source = NULL;
    flo_arena *arena;
    FLO_TRY(flo_arena_create(context, &arena));
    flo_source *made;
    flo_status status = flo_arena_take(arena, 1, sizeof *made, &made);
    if (status == FLO_OK) {
        made->context = context;
        made->arena = arena;
        made->limit_bytes = (int64_t)64 << 20;
        status = open_all(made, files, name);
    }
    if (status == FLO_OK)
        *source = made;
    else
        flo_arena_destroy(&arena);
    return status;
}

static void close_shards(flo_source *source)
{
    for (int i = 0; i < FLO_SHARDS_OPEN; ++i)
        flo_dataset_close(&source->open[i].dataset);
}

void flo_source_close(flo_source **source)
{
    if (!*source)
        return;
    close_shards(*source);
    flo_arena *arena = (*source)->arena;
    flo_arena_destroy(&arena);
    *source = NULL;
}

/* Counts the rows of a group in every shard, by the data sets that are chosen. */
static flo_status count_group(flo_source *source)
{
    reset_counts(source);
    for (int64_t s = 0; s < source->info.shards; ++s) {
        flo_dataset *dataset;
        source->shard[s].rows = -1;
        FLO_TRY(flo_source_open_shard(source, s, &dataset));
        if (s == 0)
            source->dataset = *flo_dataset_describe(dataset);
        count_shard(source, s, dataset);
        flo_dataset_close(&dataset);
    }
    return FLO_OK;
}

flo_status flo_source_choose(flo_source *source, int64_t count, const int64_t *column)
{
    close_shards(source);
    source->origin = source->factor = NULL;
    if (!source->column || count > source->column_room)
        FLO_TRY(flo_arena_take(source->arena, count, sizeof *source->column,
                               &source->column));
    source->column_room = count > source->column_room ? count : source->column_room;
    for (int64_t i = 0; i < count; ++i)
        source->column[i] = column ? column[i] : i;
    source->chosen = count;
    return source->info.is_group ? count_group(source) : FLO_OK;
}

flo_status flo_source_shift(flo_source *source, const double *origin,
                            const double *factor)
{
    const int64_t n = source->chosen;
    double *shift;
    close_shards(source);
    FLO_TRY(flo_arena_take(source->arena, 2 * n, sizeof *shift, &shift));
    memcpy(shift, origin, (size_t)n * sizeof *shift);
    memcpy(shift + n, factor, (size_t)n * sizeof *shift);
    source->origin = shift;
    source->factor = shift + n;
    return FLO_OK;
}

const flo_source_info *flo_source_describe(const flo_source *source)
{
    return &source->info;
}

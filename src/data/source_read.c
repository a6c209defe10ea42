/* Reading rows of a source: shards are opened as they are needed, the one that was not
   read for longest gives way. */
#include "data/source_private.h"

#include <assert.h>

static int64_t open_most(const flo_source *source)
{
    const int64_t fitting = source->shard_bytes > 0
                                ? source->limit_bytes / source->shard_bytes
                                : FLO_SHARDS_OPEN;
    const int64_t most = fitting < 1                 ? 1
                         : fitting > FLO_SHARDS_OPEN ? FLO_SHARDS_OPEN
                                                     : fitting;
    return most < source->info.shards ? most : source->info.shards;
}

void flo_source_limit(flo_source *source, int64_t bytes)
{
    if (bytes < source->limit_bytes)
        source->limit_bytes = bytes;
    for (int64_t i = open_most(source); i < FLO_SHARDS_OPEN; ++i)
        flo_dataset_close(&source->open[i].dataset);
}

int64_t flo_source_bytes(const flo_source *source)
{
    return open_most(source) * source->shard_bytes;
}

/* The shard of a row: the last that begins at it or before, and is not empty. */
static int64_t find_shard(const flo_source *source, int64_t row)
{
    int64_t low = 0, high = source->info.shards;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (source->shard[middle].first <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static flo_status check_unchanged(const flo_source *source, int64_t shard,
                                  const flo_dataset *dataset)
{
    const flo_dataset_info *const info = flo_dataset_describe(dataset);
    const int64_t wanted = source->shard[shard].rows;
    if ((wanted < 0 || info->rows == wanted) && info->columns == source->info.columns)
        return FLO_OK;
    return flo_fail(source->context, FLO_ERROR_FILE,
                    "%s: data set '%s' now has %lld rows and %lld columns, wanted %lld "
                    "and %lld as when it was opened first: the file was changed",
                    source->shard[shard].file, source->name, (long long)info->rows,
                    (long long)info->columns, (long long)wanted,
                    (long long)source->info.columns);
}

flo_status flo_source_open_shard(const flo_source *source, int64_t shard,
                                 flo_dataset **dataset)
{
    FLO_TRY(flo_dataset_open(source->context, source->shard[shard].file, source->name,
                             dataset));
    flo_status status = FLO_OK;
    if (source->origin)
        flo_dataset_shift(*dataset, source->origin, source->factor);
    if (source->column || source->origin)
        status = flo_dataset_choose(*dataset, source->chosen, source->column);
    if (status == FLO_OK)
        status = check_unchanged(source, shard, *dataset);
    if (status != FLO_OK)
        flo_dataset_close(dataset);
    flo_worked(source->context); /* there may be thousands of files */
    return status;
}

/* The open data set of a shard, in the place of the one that was not read for longest.
 */
static flo_status use_shard(flo_source *source, int64_t shard, flo_dataset **dataset)
{
    flo_open_shard *place = source->open;
    for (int64_t i = 0; i < open_most(source); ++i) {
        flo_open_shard *const open = &source->open[i];
        if (open->dataset && open->shard == shard) {
            place = open;
            break;
        }
        if (!open->dataset ? place->dataset != NULL
                           : place->dataset && open->used < place->used)
            place = open;
    }
    if (!place->dataset || place->shard != shard) {
        flo_dataset_close(&place->dataset);
        FLO_TRY(flo_source_open_shard(source, shard, &place->dataset));
        place->shard = shard;
    }
    place->used = ++source->clock;
    *dataset = place->dataset;
    return FLO_OK;
}

/* Into out, or where that is NULL into wide. */
static flo_status read_rows(flo_source *source, int64_t first, int64_t count,
                            int64_t stride, flo_real *out, double *wide)
{
    assert(first >= 0 && count >= 0 && first <= source->info.rows - count);
    int64_t shard = count > 0 ? find_shard(source, first) : 0;
    for (int64_t done = 0, rows; done < count; done += rows, ++shard) {
        const flo_shard *const part = &source->shard[shard];
        const int64_t from = first + done - part->first;
        rows = part->rows - from < count - done ? part->rows - from : count - done;
        if (rows == 0)
            continue;
        flo_dataset *dataset;
        FLO_TRY(use_shard(source, shard, &dataset));
        FLO_TRY(out ? flo_dataset_read(dataset, from, rows, stride, out + done * stride)
                    : flo_dataset_read_wide(dataset, from, rows, stride,
                                            wide + done * stride));
    }
    return FLO_OK;
}

flo_status flo_source_read(flo_source *source, int64_t first, int64_t count,
                           int64_t stride, flo_real *out)
{
    return read_rows(source, first, count, stride, out, NULL);
}

flo_status flo_source_read_wide(flo_source *source, int64_t first, int64_t count,
                                int64_t stride, double *out)
{
    return read_rows(source, first, count, stride, NULL, out);
}

const char *flo_source_locate(const flo_source *source, int64_t row,
                              int64_t *row_in_file)
{
    const flo_shard *const shard = &source->shard[find_shard(source, row)];
    *row_in_file = row - shard->first;
    return shard->file;
}

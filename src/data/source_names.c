/* What a source and its columns are called. */
#include "data/source_private.h"

#include <stdio.h>
#include <string.h>

const char *flo_source_files(const flo_source *source)
{
    return source->files;
}

const char *flo_source_name(const flo_source *source)
{
    return source->name;
}

const char *flo_source_shard(const flo_source *source, int64_t s, int64_t *first)
{
    *first = source->shard[s].first;
    return source->shard[s].file;
}

int64_t flo_source_shard_rows(const flo_source *source, int64_t s, int64_t *chunk_rows)
{
    *chunk_rows = source->shard[s].chunk_rows;
    return source->shard[s].rows;
}

const char *flo_source_column_name(const flo_source *source, int64_t c)
{
    return source->column_name ? source->column_name[c] : NULL;
}

int64_t flo_source_find_column(const flo_source *source, const char *name)
{
    for (int64_t c = 0; source->column_name && c < source->info.columns; ++c)
        if (strcmp(source->column_name[c], name) == 0)
            return c;
    return -1;
}

flo_status flo_source_column_facts(const flo_source *source, flo_arena *arena,
                                   int64_t count, const int64_t *column,
                                   flo_column_facts *facts)
{
    flo_dataset *dataset;
    FLO_TRY(flo_dataset_open(source->context, source->shard[0].file, source->name,
                             &dataset));
    const flo_status status =
        flo_dataset_column_facts(dataset, arena, count, column, facts);
    flo_dataset_close(&dataset);
    return status;
}

/* Whether text is name[index]. */
static bool is_element(const char *text, const char *name, int64_t index)
{
    char tail[32];
    const size_t length = strlen(name);
    snprintf(tail, sizeof tail, "[%lld]", (long long)index);
    return strncmp(text, name, length) == 0 && strcmp(text + length, tail) == 0;
}

int64_t flo_source_find_columns(const flo_source *source, const char *name,
                                int64_t *count)
{
    const int64_t columns = source->column_name ? source->info.columns : 0;
    const int64_t only = flo_source_find_column(source, name);
    *count = only >= 0;
    if (only >= 0)
        return only;
    int64_t first = 0;
    while (first < columns && !is_element(source->column_name[first], name, 0))
        ++first;
    while (first + *count < columns &&
           is_element(source->column_name[first + *count], name, *count))
        ++*count;
    return *count ? first : -1;
}

void flo_source_list_columns(const flo_source *source, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int64_t c = 0; source->column_name && c < source->info.columns; ++c) {
        const char *const name = source->column_name[c];
        const size_t more = strlen(name) + 2;
        if (used + more + 32 > bytes) { /* 32: room for the words that say so */
            snprintf(text + used, bytes - used, " and %lld more",
                     (long long)(source->info.columns - c));
            return;
        }
        used +=
            (size_t)snprintf(text + used, bytes - used, "%s%s", c ? ", " : "", name);
    }
}

flo_status flo_source_match(const flo_source *source, const flo_source *other,
                            const char *what)
{
    const int64_t shards = source->info.shards;
    for (int64_t s = 0; s < shards; ++s) {
        const flo_shard *const mine = &source->shard[s];
        const bool paired = other->info.shards == shards;
        const int64_t found = paired ? other->shard[s].rows : other->info.rows;
        const int64_t wanted = paired ? mine->rows : source->info.rows;
        if (found != wanted)
            return flo_fail(source->context, FLO_ERROR_DATA,
                            "%s: %s data set '%s' has %lld rows, wanted %lld, as many "
                            "as data set '%s' of %s",
                            paired ? other->shard[s].file : other->files, what,
                            other->name, (long long)found, (long long)wanted,
                            source->name, paired ? mine->file : source->files);
    }
    return FLO_OK;
}

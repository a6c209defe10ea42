/* Inside src/data: what an open source holds, shared by opening and reading. */
#ifndef FLO_DATA_SOURCE_PRIVATE_H
#define FLO_DATA_SOURCE_PRIVATE_H

#include "core/arena.h"
#include "data/source.h"

/* Files that are open at a time, at most: few enough for a thousand descriptors to
   serve many sources. */
enum { FLO_SHARDS_OPEN = 16 };

typedef struct flo_shard {
    const char *file;
    int64_t first, rows; /* of the source */
    int64_t chunk_rows;  /* 0: contiguous */
    flo_identity object; /* what the name leads to, be it through links */
} flo_shard;

/* A shard that is open. */
typedef struct flo_open_shard {
    flo_dataset *dataset; /* NULL: none */
    int64_t shard;
    int64_t used; /* when it was read last, by the source's clock */
} flo_open_shard;

struct flo_source {
    flo_context *context; /* borrowed */
    flo_arena *arena;     /* of all below */
    const char *name, *files;
    flo_source_info info;
    flo_dataset_info dataset; /* info.dataset */
    flo_shard *shard;         /* [info.shards] */
    const char **column_name; /* [info.columns], or NULL: they have none */
    int64_t chosen;
    int64_t *column; /* [room for `column_room`] the chosen; NULL: 0, 1, .. */
    int64_t column_room;
    double *origin, *factor; /* [chosen] of what is read; NULL: 0 and 1 */
    int64_t shard_bytes; /* of memory that an open shard takes */
    int64_t limit_bytes; /* of open shards together, where one does not take more */
    flo_open_shard open[FLO_SHARDS_OPEN];
    int64_t clock;
};

/* Opens a shard's file with the chosen columns. Local. */
FLO_MUST_USE flo_status flo_source_open_shard(const flo_source *source, int64_t shard,
                                              flo_dataset **dataset);

#endif

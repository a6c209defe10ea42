/* Rows read in chunks of whole tiles: what evaluation walks. */
#ifndef FLO_TRAIN_CHUNKS_H
#define FLO_TRAIN_CHUNKS_H

#include "data/rows.h"
#include "flow/tiles.h"

enum { FLO_CHUNK_ROWS = 16 * FLO_TILE_ROWS };

/* A reader with room for one chunk. */
typedef struct flo_chunks {
    flo_context *context;
    flo_rows *rows; /* borrowed */
    int64_t count;  /* chunks of all rows */
    flo_batch batch;
    int64_t bad_rows;     /* dropped, of the chunk that was read last */
    double *log_prob;     /* [FLO_CHUNK_ROWS] */
    double *preprocessed; /* [FLO_CHUNK_ROWS], as flo_tiles_log_prob has it */
} flo_chunks;

FLO_MUST_USE flo_status flo_chunks_create(flo_context *context, flo_rows *rows,
                                          flo_chunks *chunks);
void flo_chunks_free(flo_chunks *chunks);

/* Reads chunk `chunk` into the batch; counts dropped rows. Local. FLO_ERROR_FILE,
   FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_chunks_read(flo_chunks *chunks, int64_t chunk);

/* Reads chunk `chunk` into the batch and fills log_prob and preprocessed; NaN for
   dropped rows. Local. FLO_ERROR_FILE, FLO_ERROR_DATA. */
FLO_MUST_USE flo_status flo_chunks_log_prob(flo_chunks *chunks, flo_tiles *tiles,
                                            const flo_real *theta, int64_t chunk);

#endif

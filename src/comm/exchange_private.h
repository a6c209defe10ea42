/* What an exchange holds, and the layout of its buckets; for src/comm alone. */
#ifndef FLO_COMM_EXCHANGE_PRIVATE_H
#define FLO_COMM_EXCHANGE_PRIVATE_H

#include "comm/comm_private.h"
#include "comm/exchange.h"
#include "comm/fold.h"

enum {
    FLO_EXCHANGE_ALIGNED = 16 /* reals: chunks and vectors begin at a cache line */
};

enum { FLO_TAG_PIECES, FLO_TAG_SUM, FLO_TAGS }; /* of a bucket */

typedef enum flo_stage { FLO_STAGE_IDLE, FLO_STAGE_PIECES, FLO_STAGE_SUMS } flo_stage;

typedef struct flo_range {
    int64_t first, last;
} flo_range;

typedef struct flo_bucket {
    flo_range whole;      /* of [P] */
    flo_real *pieces;     /* [nodes of other ranks, pitch], of this rank's chunk */
    int64_t pitch;        /* the chunk's length, rounded up */
    MPI_Request *request; /* [all]: that receive pieces, receive sums, send pieces, send
                             the sum */
    int receive_pieces, begun, all; /* ends of these groups; the last begins late */
    flo_stage stage;
} flo_bucket;

struct flo_exchange {
    flo_comm *comm;                       /* borrowed */
    flo_context *context;                 /* borrowed */
    MPI_Comm channel;                     /* our own: tags cannot meet anyone else's */
    int64_t pitch;                        /* P, rounded up */
    int64_t nodes, first_node, all_nodes; /* this rank's among those of all ranks */
    int64_t buckets, active_count;
    bool one_way; /* every rank adds whole buckets, none sends sums */
    flo_fold *fold;
    flo_real *node;        /* [nodes, pitch] */
    flo_real *sum;         /* [pitch]; with one rank the one node */
    flo_real *pieces;      /* of all buckets */
    const flo_real **part; /* [all_nodes]: scratch of add_pieces */
    flo_bucket *bucket;    /* [buckets] */
    int64_t *active;       /* [active_count]: those under way, in the order of start */
    MPI_Request *request;  /* of all buckets */
    int64_t bytes;
};

int64_t flo_round_up(int64_t count); /* to whole cache lines of reals */

/* What of a bucket `rank` adds: its chunk, or all of it. Pure. Local. */
flo_range flo_bucket_chunk(const flo_exchange *exchange, const flo_bucket *bucket,
                           int rank);
int64_t flo_range_length(flo_range range);

/* This rank's buffer for the piece of another rank's node. Local. */
flo_real *flo_bucket_piece(const flo_exchange *exchange, const flo_bucket *bucket,
                           int64_t node);

/* Makes the persistent requests of all buckets. Local; a failed call aborts. */
void flo_exchange_make_messages(flo_exchange *exchange);

#endif

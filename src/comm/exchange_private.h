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

typedef enum flo_stage {
    FLO_STAGE_IDLE,
    FLO_STAGE_NODES,  /* until the ranks of this host have filled theirs */
    FLO_STAGE_PIECES, /* until those of other hosts are here */
    FLO_STAGE_SUMS,   /* until sums have come and gone */
    FLO_STAGE_HOST    /* until the other rails of this host are done */
} flo_stage;

typedef struct flo_range {
    int64_t first, last;
} flo_range;

typedef struct flo_bucket {
    flo_range slice;      /* of [P], this rank's rail; empty where it has none */
    unsigned round;       /* how often it was started */
    flo_real *pieces;     /* [parts of other hosts, pitch], of this rail's chunk */
    int64_t pitch;        /* the chunk's length, rounded up */
    MPI_Request *request; /* [all]: that receive pieces, receive sums, send pieces, send
                             the sum */
    int receive_pieces, begun, all; /* ends of these groups; the last begins late */
    flo_stage stage;
} flo_bucket;

struct flo_exchange {
    flo_comm *comm;       /* borrowed */
    flo_context *context; /* borrowed */
    MPI_Comm channel;     /* of this rank's rail, one rank a host in their order: tags
                             cannot meet anyone else's */
    int hosts, rails;
    int64_t pitch;    /* P, rounded up */
    int64_t nodes;    /* this rank's */
    flo_fold *gather; /* of the nodes of this host's ranks into its parts */
    flo_fold *fold;   /* of the parts of all hosts */
    int64_t parts, first_part, all_parts; /* this host's among those of all */
    bool one_way; /* both of two hosts add whole slices, none sends sums */

    flo_shared_memory *memory; /* of all that follows but pieces and lists */
    flo_real *host_node;       /* [nodes of the host's ranks, pitch] */
    flo_real *node;            /* [nodes, pitch] in it */
    flo_real *part;            /* [parts, pitch]; on a rank alone, its nodes; on a host
                                  alone, the sum */
    flo_real *sum;             /* [pitch]; of a rank alone, its node */
    atomic_uint *filled;       /* [ranks of the host, lines]: rounds of each bucket */
    atomic_uint *done;         /* [rails, lines] */
    int64_t lines;             /* buckets, rounded up */

    flo_real *pieces; /* of all buckets */
    const flo_real *
        *input;        /* scratch of both folds: [nodes of the host or all parts] */
    flo_real **output; /* [parts] */
    int64_t buckets, active_count;
    flo_bucket *bucket;   /* [buckets] */
    int64_t *active;      /* [active_count]: those under way, in the order of start */
    MPI_Request *request; /* of all buckets */
};

int64_t flo_round_up(int64_t count); /* to whole cache lines of reals */

/* Part i of n of a range, cut at cache lines. Pure. Local. */
flo_range flo_range_cut(flo_range whole, int i, int n);
int64_t flo_range_length(flo_range range);

/* What of a bucket's slice a host adds: its chunk, or all of it. Pure. Local. */
flo_range flo_bucket_chunk(const flo_exchange *exchange, const flo_bucket *bucket,
                           int host);

/* This rank's buffer for the piece of another host's part. Local. */
flo_real *flo_bucket_piece(const flo_exchange *exchange, const flo_bucket *bucket,
                           int64_t part);

/* Takes all memory. Collective. FLO_ERROR_MEMORY, FLO_ERROR_FILE; agreed. */
FLO_MUST_USE flo_status flo_exchange_take(flo_exchange *exchange, int64_t lanes,
                                          int64_t buckets, const int64_t *bounds);
void flo_exchange_give_back(flo_exchange *exchange);

/* Makes the persistent requests of all buckets. Local; a failed call aborts. */
void flo_exchange_make_messages(flo_exchange *exchange);

#endif

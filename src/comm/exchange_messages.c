/* The messages that exchange a bucket: its chunks, the pieces, and their requests. */
#include "comm/exchange_private.h"

#include <assert.h>

int64_t flo_round_up(int64_t count)
{
    return (count + FLO_EXCHANGE_ALIGNED - 1) / FLO_EXCHANGE_ALIGNED *
           FLO_EXCHANGE_ALIGNED;
}

/* Where chunk `rank` of a bucket begins; that of rank R is the bucket's end. */
static int64_t cut(const flo_exchange *exchange, flo_range whole, int rank)
{
    if (rank == 0)
        return whole.first;
    const int64_t size = exchange->comm->size;
    const int64_t length = whole.last - whole.first;
    const int64_t even = length / size * rank + length % size * rank / size;
    const int64_t aligned = flo_round_up(whole.first + even);
    return aligned < whole.last ? aligned : whole.last;
}

flo_range flo_bucket_chunk(const flo_exchange *exchange, const flo_bucket *b, int rank)
{
    if (exchange->one_way)
        return b->whole;
    return (flo_range){cut(exchange, b->whole, rank),
                       cut(exchange, b->whole, rank + 1)};
}

int64_t flo_range_length(flo_range r)
{
    return r.last - r.first;
}

flo_real *flo_bucket_piece(const flo_exchange *exchange, const flo_bucket *b,
                           int64_t node)
{
    assert(node < exchange->first_node ||
           node >= exchange->first_node + exchange->nodes);
    const int64_t place = node < exchange->first_node ? node : node - exchange->nodes;
    return b->pieces + place * b->pitch;
}

static int tag_of(const flo_exchange *exchange, const flo_bucket *b, int tag)
{
    return (int)(b - exchange->bucket) * FLO_TAGS + tag;
}

/* An empty chunk has no messages. */
static void add_receive(flo_exchange *exchange, flo_bucket *b, int peer, int tag,
                        int64_t length, flo_real *reals)
{
    if (length > 0)
        flo_comm_check(exchange->comm,
                       MPI_Recv_init(reals, (int)length, FLO_MPI_REAL, peer,
                                     tag_of(exchange, b, tag), exchange->channel,
                                     &b->request[b->all++]),
                       "MPI_Recv_init");
}

static void add_send(flo_exchange *exchange, flo_bucket *b, int peer, int tag,
                     int64_t length, const flo_real *reals)
{
    if (length > 0)
        flo_comm_check(exchange->comm,
                       MPI_Send_init(reals, (int)length, FLO_MPI_REAL, peer,
                                     tag_of(exchange, b, tag), exchange->channel,
                                     &b->request[b->all++]),
                       "MPI_Send_init");
}

/* The four kinds of messages with one other rank. */

static void receive_pieces(flo_exchange *exchange, flo_bucket *b, int peer)
{
    const flo_range own = flo_bucket_chunk(exchange, b, exchange->comm->rank);
    const int64_t last = flo_fold_first(exchange->fold, peer + 1);
    for (int64_t i = flo_fold_first(exchange->fold, peer); i < last; i++)
        add_receive(exchange, b, peer, FLO_TAG_PIECES, flo_range_length(own),
                    flo_bucket_piece(exchange, b, i));
}

static void receive_sum(flo_exchange *exchange, flo_bucket *b, int peer)
{
    const flo_range chunk = flo_bucket_chunk(exchange, b, peer);
    add_receive(exchange, b, peer, FLO_TAG_SUM, flo_range_length(chunk),
                exchange->sum + chunk.first);
}

static void send_pieces(flo_exchange *exchange, flo_bucket *b, int peer)
{
    const flo_range chunk = flo_bucket_chunk(exchange, b, peer);
    for (int64_t i = 0; i < exchange->nodes; i++)
        add_send(exchange, b, peer, FLO_TAG_PIECES, flo_range_length(chunk),
                 flo_exchange_node(exchange, i) + chunk.first);
}

static void send_sum(flo_exchange *exchange, flo_bucket *b, int peer)
{
    const flo_range own = flo_bucket_chunk(exchange, b, exchange->comm->rank);
    add_send(exchange, b, peer, FLO_TAG_SUM, flo_range_length(own),
             exchange->sum + own.first);
}

/* Makes one kind of message with every other rank, each rank beginning with its
   neighbour so that not all send to one at a time. Returns the requests so far. */
static int with_peers(flo_exchange *exchange, flo_bucket *b,
                      void make(flo_exchange *exchange, flo_bucket *b, int peer))
{
    const int size = exchange->comm->size;
    for (int step = 1; step < size; step++)
        make(exchange, b, (exchange->comm->rank + step) % size);
    return b->all;
}

void flo_exchange_make_messages(flo_exchange *exchange)
{
    for (int64_t i = 0; i < exchange->buckets; i++) {
        flo_bucket *const b = &exchange->bucket[i];
        b->receive_pieces = with_peers(exchange, b, receive_pieces);
        if (!exchange->one_way)
            with_peers(exchange, b, receive_sum);
        b->begun = with_peers(exchange, b, send_pieces);
        if (!exchange->one_way)
            with_peers(exchange, b, send_sum);
    }
}

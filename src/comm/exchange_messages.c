/* The messages that exchange a bucket: its chunks, the pieces, and their requests. */
#include "comm/exchange_private.h"
#include "comm/hosts.h"
#include "core/lane_tree.h"

#include <assert.h>

int64_t flo_round_up(int64_t count)
{
    return (count + FLO_EXCHANGE_ALIGNED - 1) / FLO_EXCHANGE_ALIGNED *
           FLO_EXCHANGE_ALIGNED;
}

/* Where part i of n begins; that of n is the end. */
static int64_t cut(flo_range whole, int i, int n)
{
    if (i == 0)
        return whole.first;
    const int64_t aligned =
        flo_round_up(whole.first + flo_lane_first(flo_range_length(whole), n, i));
    return aligned < whole.last ? aligned : whole.last;
}

flo_range flo_range_cut(flo_range whole, int i, int n)
{
    return (flo_range){cut(whole, i, n), cut(whole, i + 1, n)};
}

int64_t flo_range_length(flo_range r)
{
    return r.last - r.first;
}

flo_range flo_bucket_chunk(const flo_exchange *e, const flo_bucket *b, int host)
{
    return e->one_way ? b->slice : flo_range_cut(b->slice, host, e->hosts);
}

flo_real *flo_bucket_piece(const flo_exchange *e, const flo_bucket *b, int64_t part)
{
    assert(part < e->first_part || part >= e->first_part + e->parts);
    const int64_t place = part < e->first_part ? part : part - e->parts;
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

/* The four kinds of messages with one other host. */

static void receive_pieces(flo_exchange *e, flo_bucket *b, int peer)
{
    const flo_range own = flo_bucket_chunk(e, b, flo_host_number(e->comm));
    const int64_t last = flo_fold_first(e->fold, peer + 1);
    for (int64_t i = flo_fold_first(e->fold, peer); i < last; i++)
        add_receive(e, b, peer, FLO_TAG_PIECES, flo_range_length(own),
                    flo_bucket_piece(e, b, i));
}

static void receive_sum(flo_exchange *e, flo_bucket *b, int peer)
{
    const flo_range chunk = flo_bucket_chunk(e, b, peer);
    add_receive(e, b, peer, FLO_TAG_SUM, flo_range_length(chunk), e->sum + chunk.first);
}

static void send_pieces(flo_exchange *e, flo_bucket *b, int peer)
{
    const flo_range chunk = flo_bucket_chunk(e, b, peer);
    for (int64_t i = 0; i < e->parts; i++)
        add_send(e, b, peer, FLO_TAG_PIECES, flo_range_length(chunk),
                 e->part + i * e->pitch + chunk.first);
}

static void send_sum(flo_exchange *e, flo_bucket *b, int peer)
{
    const flo_range own = flo_bucket_chunk(e, b, flo_host_number(e->comm));
    add_send(e, b, peer, FLO_TAG_SUM, flo_range_length(own), e->sum + own.first);
}

/* Makes one kind of message with every other host, each beginning with its neighbour so
   that not all send to one at a time. Returns the requests so far. */
static int with_peers(flo_exchange *e, flo_bucket *b,
                      void make(flo_exchange *exchange, flo_bucket *b, int peer))
{
    for (int step = 1; step < e->hosts; step++)
        make(e, b, (flo_host_number(e->comm) + step) % e->hosts);
    return b->all;
}

void flo_exchange_make_messages(flo_exchange *e)
{
    for (int64_t i = 0; i < e->buckets; i++) {
        flo_bucket *const b = &e->bucket[i];
        b->receive_pieces = with_peers(e, b, receive_pieces);
        if (!e->one_way)
            with_peers(e, b, receive_sum);
        b->begun = with_peers(e, b, send_pieces);
        if (!e->one_way)
            with_peers(e, b, send_sum);
    }
}

/* The exchange of gradients: a direct reduce-scatter and all-gather in the tree's
   order.

   Of each bucket, rank c owns chunk c. First every rank sends its nodes' pieces of
   chunk c to rank c; that one adds the nodes of all ranks, its own read in place
   (comm/fold.h), and sends the sum to all. With n nodes a rank sends about (n + 1) P
   reals a step; n is 1 where ranks and lanes are powers of two, and that is as little
   as any all-reduce of long vectors sends.

   Two ranks of one node each send the whole bucket to each other instead, and both add
   all of it. That is as many reals, but no message waits for another to be noticed.

   A piece is one message a node and not one strided message a rank: contiguous memory
   goes out as it lies, by one copy through shared memory or straight from the network
   card, where a strided type is packed into fragments that need the sender's help. (Two
   ranks, two nodes, Open MPI 4.1: 2 MB pieces take 0.6 ms, strided 0.8; by TCP 2.7 and
   3.6. Below about 64 kB strided wins by a hundredth of a millisecond.)

   All messages are persistent requests made once: a step only starts and tests them.
   The messages of one tag between two ranks are told apart by their order, that of
   nodes in a bucket and that of steps, which is the same on all ranks. */
#include "comm/exchange_private.h"
#include "core/checksum.h"
#include "core/clock.h"

#include <assert.h>
#include <sched.h>

enum { ROUNDS = 2 /* tests a poke: Open MPI looks at sockets in some calls only */ };

/* What all ranks must know alike: a rank with other buckets would send other sizes. */
static flo_status check_bounds(flo_comm *comm, flo_context *context, int64_t lanes,
                               int64_t buckets, const int64_t *bounds)
{
    const uint64_t digest =
        flo_checksum(bounds, (size_t)(buckets + 1) * sizeof *bounds) + (uint64_t)lanes;
    if (!flo_comm_same(comm, digest))
        flo_comm_abort(comm, "a defect in flotilla: ranks come with other lanes or "
                             "buckets to an exchange");
    if (comm->size == 1)
        return FLO_OK;
    int *last_tag, is_set;
    flo_comm_check(
        comm, MPI_Comm_get_attr(comm->world, MPI_TAG_UB, (void *)&last_tag, &is_set),
        "MPI_Comm_get_attr");
    if (is_set && buckets * FLO_TAGS > *last_tag)
        return flo_fail(context, FLO_ERROR_CONFIG,
                        "comm.bucket_mb: it makes %lld buckets, this MPI has tags for "
                        "%d; set a larger comm.bucket_mb",
                        (long long)buckets, *last_tag / FLO_TAGS);
    for (int64_t i = 0; i < buckets; i++)
        if (bounds[i + 1] - bounds[i] > comm->piece)
            return flo_fail(context, FLO_ERROR_CONFIG,
                            "comm.bucket_mb: bucket %lld has %lld numbers, at most "
                            "%lld fit in one MPI message; set a smaller comm.bucket_mb",
                            (long long)i, (long long)(bounds[i + 1] - bounds[i]),
                            (long long)comm->piece);
    return FLO_OK;
}

static flo_status take_reals(flo_exchange *exchange, int64_t count, flo_real **reals)
{
    exchange->bytes += count * (int64_t)sizeof **reals;
    return flo_allocate(exchange->context, count, sizeof **reals, reals);
}

/* The vectors of this rank: nodes and sum. */
static flo_status take_vectors(flo_exchange *exchange, int64_t lanes)
{
    const flo_comm *const comm = exchange->comm;
    FLO_TRY(flo_fold_create(exchange->context, lanes, comm->size, &exchange->fold));
    exchange->first_node = flo_fold_first(exchange->fold, comm->rank);
    exchange->nodes =
        flo_fold_first(exchange->fold, comm->rank + 1) - exchange->first_node;
    exchange->all_nodes = flo_fold_first(exchange->fold, comm->size);
    FLO_TRY(take_reals(exchange, exchange->nodes * exchange->pitch, &exchange->node));
    exchange->one_way = comm->size == 2 && exchange->all_nodes == 2;
    exchange->sum = exchange->node;
    return comm->size == 1 ? FLO_OK
                           : take_reals(exchange, exchange->pitch, &exchange->sum);
}

/* Room for the pieces of other ranks' nodes: all buckets may be under way at once. */
static flo_status take_pieces(flo_exchange *exchange)
{
    const int64_t others = exchange->all_nodes - exchange->nodes;
    int64_t pitches = 0;
    for (int64_t i = 0; i < exchange->buckets; i++) {
        flo_bucket *const b = &exchange->bucket[i];
        b->pitch = flo_round_up(
            flo_range_length(flo_bucket_chunk(exchange, b, exchange->comm->rank)));
        pitches += b->pitch;
    }
    FLO_TRY(take_reals(exchange, others * pitches, &exchange->pieces));
    flo_real *next = exchange->pieces;
    for (int64_t i = 0; i < exchange->buckets; i++) {
        exchange->bucket[i].pieces = next;
        next += others * exchange->bucket[i].pitch;
    }
    return FLO_OK;
}

static flo_status take_requests(flo_exchange *exchange)
{
    const int64_t peers = exchange->comm->size - 1;
    const int64_t others = exchange->all_nodes - exchange->nodes;
    const int64_t most = others + peers * (exchange->nodes + 2);
    FLO_TRY(flo_allocate(exchange->context, exchange->all_nodes, sizeof *exchange->part,
                         (void *)&exchange->part));
    FLO_TRY(flo_allocate(exchange->context, exchange->buckets, sizeof *exchange->active,
                         &exchange->active));
    FLO_TRY(flo_allocate(exchange->context, exchange->buckets * most,
                         sizeof *exchange->request, &exchange->request));
    for (int64_t i = 0; i < exchange->buckets; i++)
        exchange->bucket[i].request = exchange->request + i * most;
    return FLO_OK;
}

static flo_status take_memory(flo_exchange *exchange, int64_t lanes, int64_t buckets,
                              const int64_t *bounds)
{
    exchange->buckets = buckets;
    exchange->pitch = flo_round_up(bounds[buckets]);
    FLO_TRY(take_vectors(exchange, lanes));
    if (exchange->comm->size == 1)
        return FLO_OK;
    FLO_TRY(flo_allocate(exchange->context, buckets, sizeof *exchange->bucket,
                         &exchange->bucket));
    for (int64_t i = 0; i < buckets; i++)
        exchange->bucket[i].whole = (flo_range){bounds[i], bounds[i + 1]};
    FLO_TRY(take_pieces(exchange));
    return take_requests(exchange);
}

static flo_status create(flo_comm *comm, flo_context *context, int64_t lanes,
                         int64_t buckets, const int64_t *bounds,
                         flo_exchange **exchange)
{
    FLO_TRY(check_bounds(comm, context, lanes, buckets, bounds));
    FLO_TRY(flo_allocate(context, 1, sizeof **exchange, exchange));
    (*exchange)->comm = comm;
    (*exchange)->context = context;
    (*exchange)->channel = MPI_COMM_NULL;
    return take_memory(*exchange, lanes, buckets, bounds);
}

flo_status flo_exchange_create(flo_comm *comm, flo_context *context, int64_t lanes,
                               int64_t buckets, const int64_t *bounds,
                               flo_exchange **exchange)
{
    *exchange = NULL;
    const flo_status status = flo_comm_agree(
        comm, context, create(comm, context, lanes, buckets, bounds, exchange));
    if (status != FLO_OK) {
        flo_exchange_destroy(exchange);
        return status;
    }
    if (comm->size > 1) {
        flo_comm_waits(comm, FLO_WAIT_MEETING);
        flo_comm_check(comm, MPI_Comm_dup(comm->world, &(*exchange)->channel),
                       "MPI_Comm_dup");
        flo_comm_waits(comm, FLO_WAIT_NONE);
        flo_exchange_make_messages(*exchange);
    }
    return FLO_OK;
}

static void free_requests(flo_exchange *exchange)
{
    for (int64_t i = 0; exchange->bucket && i < exchange->buckets; i++)
        for (int j = 0; j < exchange->bucket[i].all; j++)
            flo_comm_check(exchange->comm,
                           MPI_Request_free(&exchange->bucket[i].request[j]),
                           "MPI_Request_free");
    if (exchange->channel != MPI_COMM_NULL)
        flo_comm_check(exchange->comm, MPI_Comm_free(&exchange->channel),
                       "MPI_Comm_free");
}

void flo_exchange_destroy(flo_exchange **exchange_pointer)
{
    flo_exchange *const exchange = *exchange_pointer;
    if (!exchange)
        return;
    flo_context *const context = exchange->context;
    flo_exchange_finish(exchange);
    free_requests(exchange);
    if (exchange->sum != exchange->node)
        flo_free(context, &exchange->sum);
    flo_free(context, &exchange->node);
    flo_free(context, &exchange->pieces);
    flo_free(context, (void *)&exchange->part);
    flo_free(context, &exchange->bucket);
    flo_free(context, &exchange->active);
    flo_free(context, &exchange->request);
    flo_fold_destroy(&exchange->fold);
    flo_free(context, exchange_pointer);
}

int64_t flo_exchange_nodes(const flo_exchange *exchange)
{
    return exchange->nodes;
}

flo_real *flo_exchange_node(flo_exchange *exchange, int64_t node)
{
    return exchange->node + node * exchange->pitch;
}

flo_real *flo_exchange_sum(flo_exchange *exchange)
{
    return exchange->sum;
}

int64_t flo_exchange_bytes(const flo_exchange *exchange)
{
    return exchange->bytes;
}

/* Requests [first, last) of a bucket. */
static void begin(const flo_exchange *exchange, flo_bucket *b, int first, int last)
{
    if (first == last)
        return;
    flo_comm_check(exchange->comm, MPI_Startall(last - first, b->request + first),
                   "MPI_Startall");
}

static bool are_done(const flo_exchange *exchange, flo_bucket *b, int first, int last)
{
    int done;
    flo_comm_check(
        exchange->comm,
        MPI_Testall(last - first, b->request + first, &done, MPI_STATUSES_IGNORE),
        "MPI_Testall");
    return done;
}

static void add_pieces(flo_exchange *exchange, const flo_bucket *b)
{
    const flo_range chunk = flo_bucket_chunk(exchange, b, exchange->comm->rank);
    for (int64_t i = 0; i < exchange->all_nodes; i++) {
        const int64_t own = i - exchange->first_node;
        exchange->part[i] = 0 <= own && own < exchange->nodes
                                ? flo_exchange_node(exchange, own) + chunk.first
                                : flo_bucket_piece(exchange, b, i);
    }
    flo_fold_sum(exchange->fold, flo_range_length(chunk), exchange->part,
                 exchange->sum + chunk.first);
}

static void advance(flo_exchange *exchange, flo_bucket *b)
{
    if (b->stage == FLO_STAGE_PIECES && are_done(exchange, b, 0, b->receive_pieces)) {
        add_pieces(exchange, b);
        begin(exchange, b, b->begun, b->all);
        b->stage = FLO_STAGE_SUMS;
    }
    if (b->stage == FLO_STAGE_SUMS && are_done(exchange, b, b->receive_pieces, b->all))
        b->stage = FLO_STAGE_IDLE;
}

/* One look at each bucket under way; those that are done leave the list. */
static void advance_all(flo_exchange *exchange)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < exchange->active_count; i++) {
        flo_bucket *const b = &exchange->bucket[exchange->active[i]];
        advance(exchange, b);
        if (b->stage != FLO_STAGE_IDLE)
            exchange->active[kept++] = exchange->active[i];
        else
            flo_worked(exchange->comm->context);
    }
    exchange->active_count = kept;
}

void flo_exchange_start(flo_exchange *exchange, int64_t bucket_index)
{
    assert(0 <= bucket_index && bucket_index < exchange->buckets);
    if (exchange->comm->size == 1)
        return;
    flo_bucket *const b = &exchange->bucket[bucket_index];
    assert(b->stage == FLO_STAGE_IDLE);
    begin(exchange, b, 0, b->begun);
    b->stage = FLO_STAGE_PIECES;
    exchange->active[exchange->active_count++] = bucket_index;
}

void flo_exchange_poke(flo_exchange *exchange)
{
    for (int round = 0; round < ROUNDS && exchange->active_count > 0; round++)
        advance_all(exchange);
}

double flo_exchange_finish(flo_exchange *exchange)
{
    if (exchange->active_count == 0)
        return 0;
    const double begin_seconds = flo_seconds();
    flo_comm_waits(exchange->comm, FLO_WAIT_EXCHANGE);
    while (exchange->active_count > 0) {
        flo_exchange_poke(exchange);
        /* Where there are more ranks than cores, a peer may be waiting for this one. */
        sched_yield();
    }
    flo_comm_waits(exchange->comm, FLO_WAIT_NONE);
    return flo_seconds() - begin_seconds;
}

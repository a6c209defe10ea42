/* The exchange of gradients: added in memory on a host, between hosts by a direct
   reduce-scatter and all-gather in the tree's order.

   Rank k of each host makes rail k, as many rails as the smallest host has ranks. Of
   each bucket, a rail has one slice. First its rank adds the nodes that the ranks of
   its host hold, in place, into the maximal nodes of all lanes of the host: its parts.
   Of the slice, host c owns chunk c: every host sends its parts' pieces of chunk c to
   host c; that one adds the parts of all hosts, its own read in place (comm/fold.h),
   and sends the sum to all. With n parts a host sends about (n + 1) P reals a step; n
   is 1 where hosts and lanes are powers of two, and that is as little as any all-reduce
   of long vectors sends.

   Two hosts of one part each send the whole slice to each other instead, and both add
   all of it. That is as many reals, but no message waits for another to be noticed.

   A piece is one message a part and not one strided message a host: contiguous memory
   goes out as it lies, straight from the network card, where a strided type is packed
   into fragments that need the sender's help. (Two hosts, two parts, Open MPI 4.1, TCP:
   2 MB pieces take 2.7 ms, strided 3.6.)

   All messages are persistent requests made once: a step only starts and tests them.
   The messages of one tag between two hosts are told apart by their order, that of
   parts in a bucket and that of steps, which is the same on all ranks. */
#include "comm/exchange_private.h"
#include "comm/hosts.h"
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

static flo_status create(flo_comm *comm, flo_context *context, int64_t lanes,
                         int64_t buckets, const int64_t *bounds,
                         flo_exchange **exchange)
{
    FLO_TRY(check_bounds(comm, context, lanes, buckets, bounds));
    FLO_TRY(flo_allocate(context, 1, sizeof **exchange, exchange));
    (*exchange)->comm = comm;
    (*exchange)->context = context;
    (*exchange)->channel = MPI_COMM_NULL;
    return FLO_OK;
}

/* The channel of each rail. */
static void open_channels(flo_exchange *e)
{
    const int rail = flo_host_rank(e->comm);
    flo_comm_waits(e->comm, FLO_WAIT_MEETING);
    flo_comm_check(e->comm,
                   MPI_Comm_split(e->comm->world,
                                  rail < e->rails ? rail : MPI_UNDEFINED, e->comm->rank,
                                  &e->channel),
                   "MPI_Comm_split");
    flo_comm_waits(e->comm, FLO_WAIT_NONE);
    if (rail < e->rails)
        flo_exchange_make_messages(e);
}

flo_status flo_exchange_create(flo_comm *comm, flo_context *context, int64_t lanes,
                               int64_t buckets, const int64_t *bounds,
                               flo_exchange **exchange)
{
    *exchange = NULL;
    flo_status status = flo_comm_agree(
        comm, context, create(comm, context, lanes, buckets, bounds, exchange));
    if (status == FLO_OK)
        status = flo_exchange_take(*exchange, lanes, buckets, bounds);
    if (status != FLO_OK)
        flo_exchange_destroy(exchange);
    else if ((*exchange)->hosts > 1)
        open_channels(*exchange);
    return status;
}

static void free_requests(flo_exchange *e)
{
    for (int64_t i = 0; e->bucket && i < e->buckets; i++)
        for (int j = 0; j < e->bucket[i].all; j++)
            flo_comm_check(e->comm, MPI_Request_free(&e->bucket[i].request[j]),
                           "MPI_Request_free");
    if (e->channel != MPI_COMM_NULL)
        flo_comm_check(e->comm, MPI_Comm_free(&e->channel), "MPI_Comm_free");
}

void flo_exchange_destroy(flo_exchange **exchange)
{
    if (!*exchange)
        return;
    flo_context *const context = (*exchange)->context;
    flo_exchange_finish(*exchange);
    free_requests(*exchange);
    flo_exchange_give_back(*exchange);
    flo_free(context, exchange);
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

/* Tells the ranks of this host that one list, `filled` or `done`, is at this bucket's
   round, in the row of this rank. */
static void tell(const flo_exchange *e, const flo_bucket *b, atomic_uint *list)
{
    atomic_store_explicit(&list[flo_host_rank(e->comm) * e->lines + (b - e->bucket)],
                          b->round, memory_order_release);
}

/* Whether all of the first `rows` ranks told. Rounds pass the largest number after
   years; they are compared as equal, since no rank is ahead by one. */
static bool all_told(const flo_exchange *e, const flo_bucket *b, atomic_uint *list,
                     int rows)
{
    for (int row = 0; row < rows; row++)
        if (atomic_load_explicit(&list[row * e->lines + (b - e->bucket)],
                                 memory_order_acquire) != b->round)
            return false;
    return true;
}

/* Requests [first, last) of a bucket. */
static void begin(const flo_exchange *e, flo_bucket *b, int first, int last)
{
    if (first == last)
        return;
    flo_comm_check(e->comm, MPI_Startall(last - first, b->request + first),
                   "MPI_Startall");
}

static bool are_done(const flo_exchange *e, flo_bucket *b, int first, int last)
{
    int done;
    flo_comm_check(
        e->comm,
        MPI_Testall(last - first, b->request + first, &done, MPI_STATUSES_IGNORE),
        "MPI_Testall");
    return done;
}

/* The nodes of this host become its parts, in this rank's slice. */
static void gather_nodes(flo_exchange *e, const flo_bucket *b)
{
    const int64_t nodes = flo_fold_first(e->gather, flo_host_size(e->comm));
    for (int64_t i = 0; i < nodes; i++)
        e->input[i] = e->host_node + i * e->pitch + b->slice.first;
    for (int64_t i = 0; i < e->parts; i++)
        e->output[i] = e->part + i * e->pitch + b->slice.first;
    flo_fold_sum(e->gather, flo_range_length(b->slice), e->input, e->output);
}

/* The parts of all hosts become the sum, in this rank's chunk. */
static void add_parts(flo_exchange *e, const flo_bucket *b)
{
    const flo_range chunk = flo_bucket_chunk(e, b, flo_host_number(e->comm));
    flo_real *const sum = e->sum + chunk.first;
    for (int64_t i = 0; i < e->all_parts; i++) {
        const int64_t own = i - e->first_part;
        e->input[i] = 0 <= own && own < e->parts
                          ? e->part + own * e->pitch + chunk.first
                          : flo_bucket_piece(e, b, i);
    }
    flo_fold_sum(e->fold, flo_range_length(chunk), e->input, &sum);
}

/* The nodes of this host are there: what is to be done with them by this rank. */
static flo_stage send(flo_exchange *e, flo_bucket *b)
{
    if (flo_host_size(e->comm) > 1)
        gather_nodes(e, b);
    if (e->hosts == 1)
        return FLO_STAGE_SUMS;
    begin(e, b, b->receive_pieces, b->begun);
    return FLO_STAGE_PIECES;
}

static void advance(flo_exchange *e, flo_bucket *b)
{
    if (b->stage == FLO_STAGE_NODES &&
        all_told(e, b, e->filled, flo_host_size(e->comm)))
        b->stage = send(e, b);
    if (b->stage == FLO_STAGE_PIECES && are_done(e, b, 0, b->receive_pieces)) {
        add_parts(e, b);
        begin(e, b, b->begun, b->all);
        b->stage = FLO_STAGE_SUMS;
    }
    if (b->stage == FLO_STAGE_SUMS && are_done(e, b, b->receive_pieces, b->all)) {
        tell(e, b, e->done);
        b->stage = FLO_STAGE_HOST;
    }
    if (b->stage == FLO_STAGE_HOST && all_told(e, b, e->done, e->rails))
        b->stage = FLO_STAGE_IDLE;
}

/* One look at each bucket under way; those that are done leave the list. */
static void advance_all(flo_exchange *e)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < e->active_count; i++) {
        flo_bucket *const b = &e->bucket[e->active[i]];
        advance(e, b);
        if (b->stage != FLO_STAGE_IDLE)
            e->active[kept++] = e->active[i];
        else
            flo_worked(e->comm->context);
    }
    e->active_count = kept;
}

void flo_exchange_start(flo_exchange *e, int64_t bucket_index)
{
    assert(0 <= bucket_index && bucket_index < e->buckets);
    if (e->comm->size == 1)
        return;
    flo_bucket *const b = &e->bucket[bucket_index];
    assert(b->stage == FLO_STAGE_IDLE);
    b->round++;
    tell(e, b, e->filled);
    begin(e, b, 0, b->receive_pieces);
    b->stage = flo_host_rank(e->comm) < e->rails ? FLO_STAGE_NODES : FLO_STAGE_HOST;
    e->active[e->active_count++] = bucket_index;
    advance(e, b); /* what waits for no one leaves now; the list is kept by `poke` */
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

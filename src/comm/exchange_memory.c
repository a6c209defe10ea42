/* The memory of an exchange: what the ranks of a host share, and what each has alone.

   Shared: the nodes of all its ranks, the sum, the parts that go to other hosts where
   there are any, and the rounds by which the ranks know of each other's buckets. */
#include "comm/exchange_private.h"
#include "comm/hosts.h"
#include "core/lane_tree.h"

/* The first lanes of the ranks of this host, and its end. */
static void rank_bounds(const flo_exchange *e, int64_t lanes, int64_t *bounds)
{
    const int first = flo_hosts_first(e->comm, flo_host_number(e->comm));
    for (int rank = 0; rank <= flo_host_size(e->comm); rank++)
        bounds[rank] = flo_lane_first(lanes, e->comm->size, first + rank);
}

/* Those of all hosts. */
static void host_bounds(const flo_exchange *e, int64_t lanes, int64_t *bounds)
{
    for (int host = 0; host <= e->hosts; host++)
        bounds[host] =
            flo_lane_first(lanes, e->comm->size, flo_hosts_first(e->comm, host));
}

static flo_status make_folds(flo_exchange *e, int64_t lanes)
{
    const int size = flo_host_size(e->comm), most = size > e->hosts ? size : e->hosts;
    int64_t *bounds;
    FLO_TRY(flo_allocate(e->context, most + 1, sizeof *bounds, &bounds));
    rank_bounds(e, lanes, bounds);
    flo_status status = flo_fold_create(e->context, lanes, size, bounds, &e->gather);
    host_bounds(e, lanes, bounds);
    if (status == FLO_OK)
        status = flo_fold_create(e->context, lanes, e->hosts, bounds, &e->fold);
    flo_free(e->context, &bounds);
    return status;
}

static void count_nodes(flo_exchange *e)
{
    const int rank = flo_host_rank(e->comm), host = flo_host_number(e->comm);
    e->nodes = flo_fold_first(e->gather, rank + 1) - flo_fold_first(e->gather, rank);
    e->first_part = flo_fold_first(e->fold, host);
    e->parts = flo_fold_sums(e->gather);
    e->all_parts = flo_fold_first(e->fold, e->hosts);
    e->one_way = e->hosts == 2 && e->all_parts == 2;
}

/* Where everything lies in the shared memory, in reals, and its end. */
typedef struct layout {
    int64_t sum, part, flags, end;
} layout;

static layout lay_out(const flo_exchange *e)
{
    const int size = flo_host_size(e->comm);
    layout l;
    l.sum = flo_fold_first(e->gather, size) * e->pitch;
    l.part = l.sum + (e->comm->size > 1 ? e->pitch : 0);
    l.flags = l.part + (size > 1 && e->hosts > 1 ? e->parts * e->pitch : 0);
    l.end = l.flags + (size + e->rails) * e->lines;
    return l;
}

/* Reals [first, last), of which each rank takes its share. */
static flo_status claim(const flo_exchange *e, int64_t first, int64_t last)
{
    const flo_range own = flo_range_cut((flo_range){first, last},
                                        flo_host_rank(e->comm), flo_host_size(e->comm));
    const int64_t real = sizeof(flo_real);
    return flo_shared_memory_claim(e->memory, own.first * real,
                                   flo_range_length(own) * real);
}

static flo_status claim_all(const flo_exchange *e, const layout *l)
{
    const int64_t real = sizeof(flo_real);
    FLO_TRY(flo_shared_memory_claim(e->memory, (e->node - e->host_node) * real,
                                    e->nodes * e->pitch * real));
    for (int64_t at = l->sum; at < l->flags; at += e->pitch)
        FLO_TRY(claim(e, at, at + e->pitch));
    return claim(e, l->flags, l->end);
}

/* Collective. */
static flo_status take_shared(flo_exchange *e)
{
    const layout l = lay_out(e);
    FLO_TRY(flo_shared_memory_create(e->comm, e->context,
                                     l.end * (int64_t)sizeof(flo_real), &e->memory));
    e->host_node = flo_shared_memory_at(e->memory);
    e->node =
        e->host_node + flo_fold_first(e->gather, flo_host_rank(e->comm)) * e->pitch;
    e->sum = e->host_node + (e->comm->size > 1 ? l.sum : 0);
    e->part = flo_host_size(e->comm) == 1 ? e->node : e->host_node + l.part;
    if (e->hosts == 1)
        e->part = e->sum;
    e->filled = (atomic_uint *)(e->host_node + l.flags);
    e->done = e->filled + flo_host_size(e->comm) * e->lines;
    return flo_comm_agree(e->comm, e->context, claim_all(e, &l));
}

/* Room for the pieces of other hosts' parts: all buckets may be under way at once. */
static flo_status take_pieces(flo_exchange *e)
{
    const int64_t others = e->all_parts - e->parts;
    int64_t pitches = 0;
    for (int64_t i = 0; i < e->buckets; i++) {
        flo_bucket *const b = &e->bucket[i];
        b->pitch = flo_round_up(
            flo_range_length(flo_bucket_chunk(e, b, flo_host_number(e->comm))));
        pitches += b->pitch;
    }
    FLO_TRY(flo_allocate(e->context, others * pitches, sizeof *e->pieces, &e->pieces));
    flo_real *next = e->pieces;
    for (int64_t i = 0; i < e->buckets; i++) {
        e->bucket[i].pieces = next;
        next += others * e->bucket[i].pitch;
    }
    return FLO_OK;
}

static flo_status take_requests(flo_exchange *e)
{
    const int64_t others = e->all_parts - e->parts;
    const int64_t most = others + (e->hosts - 1) * (e->parts + 2);
    FLO_TRY(flo_allocate(e->context, e->buckets, sizeof *e->active, &e->active));
    FLO_TRY(
        flo_allocate(e->context, e->buckets * most, sizeof(MPI_Request), &e->request));
    for (int64_t i = 0; i < e->buckets; i++)
        e->bucket[i].request = e->request + i * most;
    return FLO_OK;
}

static flo_status take_scratch(flo_exchange *e)
{
    const int64_t nodes = flo_fold_first(e->gather, flo_host_size(e->comm));
    const int64_t most = nodes > e->all_parts ? nodes : e->all_parts;
    FLO_TRY(flo_allocate(e->context, most, sizeof *e->input, (void *)&e->input));
    return flo_allocate(e->context, e->parts, sizeof *e->output, (void *)&e->output);
}

static flo_status take_own(flo_exchange *e, int64_t lanes, const int64_t *bounds)
{
    const int rank = flo_host_rank(e->comm);
    FLO_TRY(make_folds(e, lanes));
    count_nodes(e);
    FLO_TRY(flo_allocate(e->context, e->buckets, sizeof *e->bucket, &e->bucket));
    for (int64_t i = 0; i < e->buckets; i++) {
        flo_bucket *const b = &e->bucket[i];
        const flo_range whole = {bounds[i], bounds[i + 1]};
        b->slice = rank < e->rails ? flo_range_cut(whole, rank, e->rails)
                                   : (flo_range){whole.last, whole.last};
    }
    FLO_TRY(take_pieces(e));
    FLO_TRY(take_scratch(e));
    return take_requests(e);
}

flo_status flo_exchange_take(flo_exchange *e, int64_t lanes, int64_t buckets,
                             const int64_t *bounds)
{
    e->hosts = flo_hosts_count(e->comm);
    e->rails = flo_hosts_least(e->comm);
    e->buckets = buckets;
    e->pitch = flo_round_up(bounds[buckets]);
    e->lines = flo_round_up(buckets);
    FLO_TRY(flo_comm_agree(e->comm, e->context, take_own(e, lanes, bounds)));
    return take_shared(e);
}

void flo_exchange_give_back(flo_exchange *e)
{
    flo_context *const context = e->context;
    flo_shared_memory_destroy(&e->memory);
    flo_free(context, &e->pieces);
    flo_free(context, (void *)&e->input);
    flo_free(context, (void *)&e->output);
    flo_free(context, &e->bucket);
    flo_free(context, &e->active);
    flo_free(context, &e->request);
    flo_fold_destroy(&e->gather);
    flo_fold_destroy(&e->fold);
}

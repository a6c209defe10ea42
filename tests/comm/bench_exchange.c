/* What the fixed tree costs: flo_exchange beside MPI_Allreduce and MPI_Iallreduce of
   the same vectors, in turn within one run.

     mpirun -n RANKS bench_exchange [ROUNDS [LANES [REALS...]]]

   A round times each way once, in a rotated order, each from a barrier to the slowest
   rank's end. Nothing is computed meanwhile, so this is the whole cost, of which
   training hides a part. Both non-blocking ways go in buckets of 0.25 MB, as in
   training (comm.bucket_mb), and are poked until done. Two rows a size, with each rank
   on a host of its own (messages) and on the machine's (shared memory): least and
   median milliseconds, and the exchange's ratio to the others, of medians. Exits 1 if
   the sums do not agree. */
#include "comm/comm_private.h"
#include "comm/exchange.h"
#include "comm/hosts.h"
#include "core/clock.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAYS = 3, MOST_ROUNDS = 1000, MOST_BUCKETS = 64, BUCKET_BYTES = 250000 };

typedef enum way { EXCHANGE, ALLREDUCE, IALLREDUCE } way;

typedef struct bench {
    flo_comm *comm;
    flo_context *context;
    int64_t lanes, count, buckets, bounds[MOST_BUCKETS + 1];
    flo_exchange *exchange;
    flo_real *mine, *sum; /* [count]: of the library's ways */
    double seconds[WAYS][MOST_ROUNDS];
} bench;

static void run_exchange(bench *b)
{
    for (int64_t i = b->buckets - 1; i >= 0; i--)
        flo_exchange_start(b->exchange, i);
    flo_exchange_finish(b->exchange);
}

static void run_allreduce(bench *b)
{
    flo_comm_check(b->comm,
                   MPI_Allreduce(b->mine, b->sum, (int)b->count, FLO_MPI_REAL, MPI_SUM,
                                 b->comm->world),
                   "MPI_Allreduce");
}

static void run_iallreduce(bench *b)
{
    MPI_Request request[MOST_BUCKETS];
    for (int64_t i = b->buckets - 1; i >= 0; i--) {
        const int64_t first = b->bounds[i];
        flo_comm_check(b->comm,
                       MPI_Iallreduce(b->mine + first, b->sum + first,
                                      (int)(b->bounds[i + 1] - first), FLO_MPI_REAL,
                                      MPI_SUM, b->comm->world, &request[i]),
                       "MPI_Iallreduce");
    }
    for (int done = 0; !done; sched_yield())
        flo_comm_check(
            b->comm, MPI_Testall((int)b->buckets, request, &done, MPI_STATUSES_IGNORE),
            "MPI_Testall");
}

static void (*const runs[WAYS])(bench *b) = {
    [EXCHANGE] = run_exchange,
    [ALLREDUCE] = run_allreduce,
    [IALLREDUCE] = run_iallreduce,
};

/* A rank's share of element i, the same for every way: spread over its nodes for the
   exchange, whole for the others. */
static flo_real share(int rank, int64_t i)
{
    return (flo_real)((i * 7 + rank * 13) % 101) / 16;
}

static void fill(bench *b)
{
    const int64_t nodes = flo_exchange_nodes(b->exchange);
    for (int64_t i = 0; i < b->count; i++) {
        b->mine[i] = share(flo_comm_rank(b->comm), i);
        for (int64_t node = 0; node < nodes; node++)
            flo_exchange_node(b->exchange, node)[i] = node ? 0 : b->mine[i];
    }
}

static bool sums_agree(bench *b)
{
    const flo_real *const sum = flo_exchange_sum(b->exchange);
    for (int64_t i = 0; i < b->count; i++) {
        double wanted = 0; /* exact: sixteenths */
        for (int rank = 0; rank < flo_comm_size(b->comm); rank++)
            wanted += (double)share(rank, i);
        if ((double)sum[i] != wanted || (double)b->sum[i] != wanted) {
            fprintf(stderr, "element %lld: %g and %g, wanted %g\n", (long long)i,
                    (double)sum[i], (double)b->sum[i], wanted);
            return false;
        }
    }
    return true;
}

static void time_way(bench *b, way w, int round)
{
    flo_comm_barrier(b->comm);
    const double begin = flo_seconds();
    runs[w](b);
    double seconds = flo_seconds() - begin;
    flo_comm_maximum(b->comm, &seconds, 1);
    b->seconds[w][round] = seconds;
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print(bench *b, int rounds)
{
    double least[WAYS], median[WAYS];
    for (int w = 0; w < WAYS; w++) {
        qsort(b->seconds[w], (size_t)rounds, sizeof b->seconds[w][0], ascending);
        least[w] = 1e3 * b->seconds[w][0];
        median[w] = 1e3 * b->seconds[w][rounds / 2];
    }
    printf("%5d %5d %5lld %9lld  %8.3f %8.3f  %8.3f %8.3f  %8.3f %8.3f  %6.2f %6.2f\n",
           flo_comm_size(b->comm), flo_hosts_count(b->comm), (long long)b->lanes,
           (long long)b->count, least[EXCHANGE], median[EXCHANGE], least[ALLREDUCE],
           median[ALLREDUCE], least[IALLREDUCE], median[IALLREDUCE],
           median[EXCHANGE] / median[ALLREDUCE], median[EXCHANGE] / median[IALLREDUCE]);
    fflush(stdout);
}

static void cut_into_buckets(bench *b)
{
    const int64_t reals = BUCKET_BYTES / (int64_t)sizeof(flo_real);
    b->buckets = (b->count + reals - 1) / reals;
    if (b->buckets > MOST_BUCKETS)
        b->buckets = MOST_BUCKETS;
    for (int64_t i = 0; i <= b->buckets; i++)
        b->bounds[i] = b->count * i / b->buckets;
}

static flo_status take_memory(bench *b)
{
    FLO_TRY(flo_exchange_create(b->comm, b->context, b->lanes, b->buckets, b->bounds,
                                &b->exchange));
    FLO_TRY(flo_allocate(b->context, b->count, sizeof *b->mine, &b->mine));
    return flo_allocate(b->context, b->count, sizeof *b->sum, &b->sum);
}

/* One size, on hosts of at most so many ranks: true if all ways gave the same sums. */
static bool run_size(bench *b, int most, int rounds)
{
    cut_into_buckets(b);
    if (flo_hosts_find(b->comm, b->context, most) != FLO_OK || take_memory(b) != FLO_OK)
        flo_comm_abort(b->comm, flo_context_message(b->context));
    fill(b);
    for (int w = 0; w < WAYS; w++) /* pages and connections are made */
        runs[w](b);
    for (int round = 0; round < rounds; round++)
        for (int w = 0; w < WAYS; w++)
            time_way(b, (way)((round + w) % WAYS), round);
    double wrong = !sums_agree(b);
    flo_comm_maximum(b->comm, &wrong, 1);
    if (flo_comm_rank(b->comm) == 0)
        print(b, rounds);
    flo_exchange_destroy(&b->exchange);
    flo_free(b->context, &b->mine);
    flo_free(b->context, &b->sum);
    return wrong == 0;
}

/* Argument i as a whole number of at least 1; `otherwise` where there is none. */
static int64_t argument(int argc, char **argv, int i, int64_t otherwise)
{
    const int64_t value = i < argc ? strtoll(argv[i], NULL, 10) : otherwise;
    return value > 0 ? value : 1;
}

int main(int argc, char **argv)
{
    static const int64_t usual[] = {100000, 1000000, 3000000};
    bench *const b = calloc(1, sizeof *b);
    if (!b || flo_context_create(&b->context) != FLO_OK)
        return 1;
    if (flo_comm_start(b->context, &argc, &argv, &b->comm) != FLO_OK) {
        fprintf(stderr, "%s\n", flo_context_message(b->context));
        return 1;
    }
    const int64_t rounds = argument(argc, argv, 1, 60);
    b->lanes = argument(argc, argv, 2, 16);
    if (flo_comm_rank(b->comm) == 0)
        printf("%s, ms: least and median\n%5s %5s %5s %9s  %17s  %17s  %17s  ratios\n",
               flo_comm_library(b->comm), "ranks", "hosts", "lanes", "reals",
               "exchange", "Allreduce", "Iallreduce");
    bool agreed = true;
    const int sizes = argc > 3 ? argc - 3 : (int)(sizeof usual / sizeof usual[0]);
    for (int i = 0; i < sizes; i++) {
        b->count = argc > 3 ? argument(argc, argv, i + 3, 1) : usual[i];
        for (int most = 1; most >= 0; most--)
            agreed &=
                run_size(b, most, rounds < MOST_ROUNDS ? (int)rounds : MOST_ROUNDS);
    }
    flo_comm_finish(&b->comm);
    const bool leaked = flo_context_destroy(&b->context) != 0;
    free(b);
    return agreed && !leaked ? 0 : 1;
}

/* How fast a run is, against the machine's own rate of matrix products.

   Machines drift, so every round measures all pieces one after the other, fractions are
   taken within a round, and what is told is the median over rounds. */
#include "train/bench.h"

#include "core/clock.h"
#include "core/integers.h"
#include "linalg/tally.h"
#include "train/chunks.h"
#include "train/gemm_rate.h"
#include "train/step.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PIECES = 3, LEAST_ROUNDS = 3, MOST_ROUNDS = 99, TIMED_STEPS = 10 };
static const double longest_seconds = 0.25; /* of a piece */

typedef struct meter {
    flo_trainer *t;
    flo_context *context;
    flo_arena *arena;
    int64_t rows;        /* of a call of evaluate and sample, on this rank */
    flo_real *x, *drawn; /* [rows, D] */
    flo_real *given;     /* [rows, C] */
    double *log_prob;    /* [rows] */
    flo_tally *tally;    /* [threads] */
    double piece_seconds;
    flo_step step;
} meter;

/* One turn of a piece. Collective. */
typedef flo_status (*turn)(meter *m);

static flo_status train(meter *m)
{
    FLO_TRY(flo_step_read(m->t, m->t->progress.step == 0, &m->step));
    flo_step_gradient(m->t, &m->step);
    if (m->step.unread)
        return flo_comm_agree(m->t->comm, m->context, m->step.read);
    return flo_step_update(m->t, &m->step);
}

static flo_status evaluate(meter *m)
{
    flo_tiles_log_prob(m->t->tiles, m->t->theta, 0, m->rows, m->x, m->given,
                       m->log_prob, NULL);
    return FLO_OK;
}

static flo_status sample(meter *m)
{
    flo_tiles_sample(m->t->tiles, m->t->theta, 1, 0, m->rows, 1, m->given, m->drawn);
    return FLO_OK;
}

/* The rows to score: of the training data, or of the flow where it has none. */
static flo_status fill_rows(meter *m)
{
    flo_rows *const rows = m->t->rows[FLO_TRAIN];
    const int64_t D = m->t->flow->features, C = m->t->flow->context;
    flo_batch batch;
    m->rows = FLO_CHUNK_ROWS;
    FLO_TRY(flo_arena_take(m->arena, m->rows * D, sizeof *m->x, &m->x));
    FLO_TRY(flo_arena_take(m->arena, m->rows * D, sizeof *m->drawn, &m->drawn));
    FLO_TRY(flo_arena_take(m->arena, m->rows * C, sizeof *m->given, &m->given));
    FLO_TRY(
        flo_arena_take(m->arena, m->rows, sizeof *m->log_prob, (void *)&m->log_prob));
    FLO_TRY(flo_arena_take(m->arena, m->rows, sizeof *batch.weight, &batch.weight));
    if (!rows) {
        FLO_TRY(sample(m));
        memcpy(m->x, m->drawn, (size_t)(m->rows * D) * sizeof *m->x);
        return FLO_OK;
    }
    m->rows = flo_lesser(m->rows, flo_rows_count(rows));
    batch.x = m->x;
    batch.context = m->given;
    return flo_rows_read(rows, 0, m->rows, &batch, NULL);
}

/* Seconds of a turn: as many turns as take the time of a piece, in batches that double,
   since only between batches all ranks can agree to go on. Collective. */
static flo_status time_turns(meter *m, turn piece, double *seconds)
{
    double spent = 0;
    int64_t done = 0;
    flo_comm_barrier(m->t->comm);
    const double begin = flo_seconds();
    for (int64_t batch = 1; spent < m->piece_seconds; batch *= 2) {
        for (int64_t i = 0; i < batch; i++)
            FLO_TRY(piece(m));
        done += batch;
        spent = flo_seconds() - begin;
        flo_comm_maximum(m->t->comm, &spent, 1);
    }
    *seconds = spent / (double)done;
    return FLO_OK;
}

/* GFLOP/s of a thread, the mean over ranks. Collective. FLO_ERROR_MEMORY; agreed. */
static flo_status gemm_rate(meter *m, flo_gemm_maker maker, double *gflops)
{
    flo_comm_barrier(m->t->comm);
    const flo_status status =
        flo_gemm_rate(m->context, maker, m->t->threads, m->piece_seconds, gflops);
    FLO_TRY(flo_comm_agree(m->t->comm, m->context, status));
    flo_comm_share(m->t->comm, gflops, 1);
    *gflops /= flo_comm_size(m->t->comm);
    return FLO_OK;
}

/* What the rounds gave. */
typedef struct series {
    double gemm[MOST_ROUNDS], own[MOST_ROUNDS];
    double rows[PIECES][MOST_ROUNDS]; /* a second, of all ranks */
    double fraction[PIECES][MOST_ROUNDS];
} series;

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static double median(int64_t count, double *value)
{
    qsort(value, (size_t)count, sizeof *value, by_size);
    return (value[(count - 1) / 2] + value[count / 2]) / 2;
}

/* The multiply-adds of a row's density: of one tile, all of whose rows are computed. */
static double count_work(meter *m)
{
    flo_tally tally = {.timed = false};
    flo_tally_products(&tally);
    flo_tiles_log_prob(m->t->tiles, m->t->theta, 0, flo_lesser(m->rows, FLO_TILE_ROWS),
                       m->x, m->given, m->log_prob, NULL);
    flo_tally_products(NULL);
    return tally.work / FLO_TILE_ROWS;
}

static flo_status measure_rates(meter *m, double seconds, flo_bench *b)
{
    static const struct {
        turn turn;
        int passes; /* of the density of a row that a row takes */
    } piece[PIECES] = {{train, 3}, {evaluate, 1}, {sample, 1}};
    const int64_t ranks = flo_comm_size(m->t->comm);
    const double threads = (double)(ranks * m->t->threads);
    series *s;
    FLO_TRY(flo_arena_take(m->arena, 1, sizeof *s, (void *)&s));
    double once;
    for (int i = 0; i < PIECES; i++) /* warms up */
        FLO_TRY(piece[i].turn(m));
    const double rounds = seconds / ((PIECES + 2) * m->piece_seconds);
    b->rounds = rounds < LEAST_ROUNDS  ? LEAST_ROUNDS
                : rounds > MOST_ROUNDS ? MOST_ROUNDS
                                       : (int64_t)rounds;
    for (int64_t round = 0; round < b->rounds; round++) {
        FLO_TRY(gemm_rate(m, FLO_GEMM_BLAS, &s->gemm[round]));
        FLO_TRY(gemm_rate(m, FLO_GEMM_OWN, &s->own[round]));
        for (int i = 0; i < PIECES; i++) {
            FLO_TRY(time_turns(m, piece[i].turn, &once));
            const int64_t rows = i == 0 ? m->t->plan.batch : ranks * m->rows;
            s->rows[i][round] = (double)rows / once;
            s->fraction[i][round] = 2e-9 * b->row_work * piece[i].passes *
                                    s->rows[i][round] / threads / s->gemm[round];
        }
    }
    double *const rate[PIECES] = {&b->train_rows, &b->evaluate_rows, &b->sample_rows};
    double *const part[PIECES] = {&b->train_fraction, &b->evaluate_fraction,
                                  &b->sample_fraction};
    for (int i = 0; i < PIECES; i++) {
        *rate[i] = median(b->rounds, s->rows[i]);
        *part[i] = median(b->rounds, s->fraction[i]);
    }
    b->gemm_gflops = median(b->rounds, s->gemm);
    b->own_gflops = median(b->rounds, s->own);
    return FLO_OK;
}

/* Where the time of a step goes: the same on all ranks, that of the mean. */
static flo_status measure_phases(meter *m, flo_bench *b)
{
    flo_trainer *const t = m->t;
    double update = 0, products = 0, meetings = 0, work = 0;
    const double data = t->feed ? flo_feed_wait_seconds(t->feed) : 0;
    const double messages = flo_gradient_exposed_seconds(t->gradient);
#pragma omp parallel num_threads(t->threads)
    flo_tally_products(&m->tally[omp_get_thread_num()]);
    flo_comm_barrier(t->comm);
    const double begin = flo_seconds();
    flo_status status = FLO_OK;
    for (int i = 0; i < TIMED_STEPS && status == FLO_OK; i++) {
        status = flo_step_read(t, false, &m->step);
        flo_step_gradient(t, &m->step);
        meetings += flo_comm_size(t->comm) > 1 ? m->step.meeting_seconds : 0;
        const double before = flo_seconds();
        status = m->step.unread ? flo_comm_agree(t->comm, m->context, m->step.read)
                                : flo_step_update(t, &m->step);
        update += flo_seconds() - before;
    }
    const double all = flo_seconds() - begin;
#pragma omp parallel num_threads(t->threads)
    flo_tally_products(NULL);
    FLO_TRY(status);
    for (int i = 0; i < t->threads; i++) {
        products += m->tally[i].seconds / t->threads;
        work += m->tally[i].work / t->threads;
    }
    double share[] = {
        products > 0 ? 2e-9 * work / products : 0, products / all, update / all,
        (flo_gradient_exposed_seconds(t->gradient) - messages + meetings) / all,
        t->feed ? (flo_feed_wait_seconds(t->feed) - data) / all : 0};
    enum { SHARES = sizeof share / sizeof *share };
    flo_comm_share(t->comm, share, SHARES);
    for (int i = 0; i < SHARES; i++)
        share[i] /= flo_comm_size(t->comm);
    b->step_gflops = share[0];
    b->phases =
        (flo_bench_phases){.products = share[1],
                           .elementwise = 1 - share[1] - share[2] - share[3] - share[4],
                           .optimizer = share[2],
                           .messages = share[3],
                           .data = share[4]};
    return FLO_OK;
}

/* What messages take, hidden and not, in steps by turns. The rank that waits least
   waits for messages; the others also wait for it. Collective. */
static flo_status measure_exchange(meter *m, flo_bench *b)
{
    flo_gradient *const gradient = m->t->gradient;
    double waited[2] = {0, 0}; /* as usual, and held: negative, for the maximum */
    flo_status status = FLO_OK;
    for (int i = 0; i < 2 * TIMED_STEPS && status == FLO_OK; i++) {
        const double before = flo_gradient_exposed_seconds(gradient);
        flo_gradient_hold(gradient, i % 2);
        status = train(m);
        waited[i % 2] -= flo_gradient_exposed_seconds(gradient) - before;
    }
    flo_gradient_hold(gradient, false);
    FLO_TRY(status);
    flo_comm_maximum(m->t->comm, waited, 2);
    b->exposed_seconds = -waited[0] / TIMED_STEPS;
    b->held_seconds = -waited[1] / TIMED_STEPS;
    return FLO_OK;
}

static int64_t peak_bytes(flo_comm *comm)
{
    struct rusage usage;
    double bytes = 0;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        bytes = 1024.0 * (double)usage.ru_maxrss;
    flo_comm_maximum(comm, &bytes, 1);
    return (int64_t)bytes;
}

static flo_status measure(meter *m, double began_seconds, double seconds, flo_bench *b)
{
    flo_trainer *const t = m->t;
    FLO_TRY(train(m));
    *b = (flo_bench){.ranks = flo_comm_size(t->comm),
                     .threads = t->threads,
                     .parameters = t->flow->parameters.size,
                     .batch = t->plan.batch,
                     .lanes = t->plan.lanes,
                     .buckets = flo_gradient_buckets(t->gradient),
                     .start_seconds = flo_seconds() - began_seconds,
                     .peak_bytes = peak_bytes(t->comm)};
    flo_status status =
        flo_arena_take(m->arena, t->threads, sizeof *m->tally, (void *)&m->tally);
    if (status == FLO_OK)
        status = fill_rows(m);
    FLO_TRY(flo_comm_agree(t->comm, m->context, status));
    for (int i = 0; i < t->threads; i++)
        m->tally[i].timed = true;
    b->row_work = count_work(m);
    m->piece_seconds = seconds / (LEAST_ROUNDS * (PIECES + 2));
    if (m->piece_seconds > longest_seconds)
        m->piece_seconds = longest_seconds;
    FLO_TRY(measure_rates(m, seconds, b));
    b->step_seconds = (double)b->batch / b->train_rows;
    FLO_TRY(measure_phases(m, b));
    return b->ranks > 1 ? measure_exchange(m, b) : FLO_OK;
}

flo_status flo_bench_measure(flo_comm *comm, flo_context *context,
                             const flo_train_options *options, double began_seconds,
                             double seconds, flo_bench *bench)
{
    flo_trainer trainer;
    flo_status status = flo_trainer_create(comm, context, options, &trainer);
    meter m = {.t = &trainer, .context = context};
    if (status == FLO_OK)
        status = flo_comm_agree(comm, context, flo_arena_create(context, &m.arena));
    if (status == FLO_OK)
        status = measure(&m, began_seconds, seconds, bench);
    flo_arena_destroy(&m.arena);
    flo_trainer_destroy(&trainer);
    return status;
}

/* Clipping, update and average in one pass over the parameters. */
#include "optim/optimizer.h"

#include "comm/hosts.h"
#include "core/lane_tree.h"
#include "core/vector.h"

#include <math.h>
#include <string.h>

enum { PIECE = 16384 };

extern const flo_optimizer_kind flo_adam;
extern const flo_optimizer_kind flo_adamw;
extern const flo_optimizer_kind flo_sgd;

/* In the order of FLO_OPTIMIZER_CHOICES. */
static const flo_optimizer_kind *const kinds[] = {&flo_adam, &flo_adamw, &flo_sgd};

/* Cuts the tensors into pieces, so that any number of threads shares them. */
static flo_status cut(flo_arena *arena, const flo_layout *parameters, flo_optimizer *o)
{
    for (int64_t i = 0; i < parameters->count; i++)
        o->pieces += (parameters->tensors[i].count + PIECE - 1) / PIECE;
    FLO_TRY(flo_arena_take(arena, o->pieces, sizeof *o->piece, &o->piece));
    FLO_TRY(flo_arena_take(arena, o->pieces, sizeof *o->partial, &o->partial));
    int64_t p = 0;
    for (int64_t i = 0; i < parameters->count; i++) {
        const flo_tensor *const t = &parameters->tensors[i];
        for (int64_t at = 0; at < t->count; at += PIECE) {
            const int64_t n = t->count - at < PIECE ? t->count - at : PIECE;
            o->piece[p].begin = t->offset + at;
            o->piece[p].end = t->offset + at + n;
            o->piece[p++].decay = t->decay;
        }
    }
    o->last = o->pieces;
    return FLO_OK;
}

flo_status flo_optimizer_create(flo_arena *arena,
                                const flo_optimizer_settings *settings,
                                const flo_layout *parameters, flo_optimizer **optimizer)
{
    flo_optimizer *o;
    FLO_TRY(flo_arena_take(arena, 1, sizeof *o, &o));
    o->kind = kinds[settings->optimizer];
    o->settings = *settings;
    o->size = parameters->size;
    FLO_TRY(cut(arena, parameters, o));
    *optimizer = o;
    return FLO_OK;
}

int flo_optimizer_vectors(const flo_optimizer *o)
{
    return o->kind->moments + (o->settings.average > 0);
}

/* Vector i of moments and average. */
static flo_real **vector_of(flo_optimizer *o, int i)
{
    return i < o->kind->moments ? &o->moment[i] : &o->average;
}

flo_status flo_optimizer_take(flo_arena *arena, flo_optimizer *o)
{
    for (int i = 0; i < flo_optimizer_vectors(o); i++)
        FLO_TRY(flo_arena_take(arena, o->size, sizeof(flo_real), vector_of(o, i)));
    return FLO_OK;
}

/* Where a piece begins; of the one behind the last, where that ends. */
static int64_t piece_begin(const flo_optimizer *o, int64_t piece)
{
    return piece < o->pieces ? o->piece[piece].begin : o->size;
}

/* The first piece of a rank of the host: each gets as many parameters. */
static int64_t first_piece(const flo_optimizer *o, int rank, int ranks)
{
    const int64_t begin = flo_lane_first(o->size, ranks, rank);
    int64_t p = 0;
    while (p < o->pieces && o->piece[p].begin < begin)
        p++;
    return p;
}

/* From one shared vector to the next: whole cache lines. */
static int64_t shared_pitch(const flo_optimizer *o)
{
    return (o->size + 15) / 16 * 16;
}

/* Vector `place` of the shared memory, of which this rank takes its part. */
static flo_status place_vector(const flo_optimizer *o, flo_shared_memory *memory,
                               int64_t place, flo_real **vector)
{
    const int64_t at = place * shared_pitch(o), real = sizeof **vector;
    const int64_t begin = piece_begin(o, o->first), end = piece_begin(o, o->last);
    *vector = (flo_real *)flo_shared_memory_at(memory) + at;
    return flo_shared_memory_claim(memory, (at + begin) * real, (end - begin) * real);
}

flo_status flo_optimizer_share(flo_optimizer *o, flo_comm *comm, flo_context *context,
                               flo_shared_memory **memory)
{
    const int rank = flo_host_rank(comm), ranks = flo_host_size(comm);
    const int kept = flo_optimizer_vectors(o);
    const int64_t partial = (kept + 1) * shared_pitch(o) * (int64_t)sizeof(flo_real);
    FLO_TRY(flo_shared_memory_create(
        comm, context, partial + o->pieces * (int64_t)sizeof *o->partial, memory));
    o->comm = comm;
    o->partial = (double *)((char *)flo_shared_memory_at(*memory) + partial);
    o->first = first_piece(o, rank, ranks);
    o->last = first_piece(o, rank + 1, ranks);
    flo_status status = place_vector(o, *memory, kept, &o->passed);
    for (int i = 0; i < kept && status == FLO_OK; i++)
        status = place_vector(o, *memory, i, vector_of(o, i));
    return flo_comm_agree(comm, context, status);
}

void flo_optimizer_start(flo_optimizer *o, const flo_real *theta)
{
    const int64_t begin = piece_begin(o, o->first), end = piece_begin(o, o->last);
    if (o->average)
        memcpy(o->average + begin, theta + begin,
               (size_t)(end - begin) * sizeof *theta);
}

bool flo_optimizer_reads(const flo_optimizer *o)
{
    return !o->comm || flo_host_rank(o->comm) == 0;
}

/* Updated parameters of the other ranks of the host, into theta. */
static void take_passed(const flo_optimizer *o, flo_real *theta, int threads)
{
    flo_host_meet(o->comm);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t p = 0; p < o->pieces; p++)
        if (p < o->first || p >= o->last)
            memcpy(theta + o->piece[p].begin, o->passed + o->piece[p].begin,
                   (size_t)(o->piece[p].end - o->piece[p].begin) * sizeof *theta);
}

double flo_optimizer_norm(const flo_optimizer *o, const flo_real *gradient,
                          double scale, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t p = o->first; p < o->last; p++)
        o->partial[p] = flo_vector_sum_squares(o->piece[p].end - o->piece[p].begin,
                                               gradient + o->piece[p].begin);
    if (o->comm)
        flo_host_meet(o->comm);
    double sum = 0;
    for (int64_t p = 0; p < o->pieces; p++)
        sum += o->partial[p];
    return scale * sqrt(sum);
}

/* Early in training the average follows faster, so that the start is soon forgotten. */
static double average_decay(double decay, int64_t step)
{
    const double early = (1.0 + (double)step) / (10.0 + (double)step);
    return early < decay ? early : decay;
}

void flo_optimizer_step(const flo_optimizer *o, flo_step_numbers numbers, double norm,
                        const flo_real *gradient, flo_real *theta, int threads)
{
    if (o->settings.clip > 0 && norm > o->settings.clip)
        numbers.gradient_scale *= o->settings.clip / norm;
    const flo_real follow =
        (flo_real)(1 - average_decay(o->settings.average, numbers.step));
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t p = o->first; p < o->last; p++) {
        const int64_t begin = o->piece[p].begin, n = o->piece[p].end - begin;
        flo_real *moment[2];
        for (int i = 0; i < 2; i++)
            moment[i] = o->moment[i] ? o->moment[i] + begin : NULL;
        o->kind->update(&o->settings, &numbers, o->piece[p].decay, n, gradient + begin,
                        theta + begin, moment);
        if (o->average)
            for (int64_t i = begin; i < begin + n; i++)
                o->average[i] += follow * (theta[i] - o->average[i]);
        if (o->comm)
            memcpy(o->passed + begin, theta + begin, (size_t)n * sizeof *theta);
    }
    if (o->comm)
        take_passed(o, theta, threads);
}

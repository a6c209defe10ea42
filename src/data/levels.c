/* Levels: a small hash table a column, given up when it is full. The count of a union
   does not depend on who saw which number, so neither on the number of ranks. */
#include "data/levels.h"

#include <math.h>
#include <string.h>

enum {
    SLOT_BITS = 11, /* a table is half full at most */
    SLOTS = 1 << SLOT_BITS,
    SMALL = 1024, /* whole numbers below have a bit of their own: counts, bytes */
    SMALL_WORDS = SMALL / 64,
    SHARED_REALS = 1 << 20 /* that rank 0 gathers at a time */
};

struct flo_levels {
    flo_context *context; /* borrowed */
    int64_t columns;
    double *table;   /* [columns, SLOTS], NaN where free */
    uint64_t *seen;  /* [columns, SMALL_WORDS]: small whole numbers in the table */
    int64_t *count;  /* [columns] */
    bool *whole;     /* [columns] */
    int64_t active;  /* columns that are still looked at */
    int64_t *column; /* [active] */
};

flo_status flo_levels_create(flo_context *context, int64_t columns, flo_levels **levels)
{
    flo_levels *made = NULL;
    *levels = NULL;
    FLO_TRY(flo_allocate(context, 1, sizeof *made, &made));
    made->context = context;
    made->columns = made->active = columns;
    flo_status status =
        flo_allocate(context, columns * SLOTS, sizeof *made->table, &made->table);
    if (status == FLO_OK)
        status = flo_allocate(context, columns * SMALL_WORDS, sizeof *made->seen,
                              &made->seen);
    if (status == FLO_OK)
        status = flo_allocate(context, columns, sizeof *made->count, &made->count);
    if (status == FLO_OK)
        status = flo_allocate(context, columns, sizeof *made->whole, &made->whole);
    if (status == FLO_OK)
        status = flo_allocate(context, columns, sizeof *made->column, &made->column);
    if (status != FLO_OK) {
        flo_levels_destroy(&made);
        return status;
    }
    for (int64_t i = 0; i < columns * SLOTS; ++i)
        made->table[i] = NAN;
    for (int64_t c = 0; c < columns; ++c) {
        made->whole[c] = true;
        made->column[c] = c;
    }
    *levels = made;
    return FLO_OK;
}

void flo_levels_destroy(flo_levels **levels)
{
    if (!*levels)
        return;
    flo_context *const context = (*levels)->context;
    flo_free(context, &(*levels)->table);
    flo_free(context, &(*levels)->seen);
    flo_free(context, &(*levels)->count);
    flo_free(context, &(*levels)->whole);
    flo_free(context, &(*levels)->column);
    flo_free(context, levels);
}

/* Fibonacci hashing of the bits; +0 and -0 are one number. */
static uint32_t slot_of(double value)
{
    const double same = value + 0.0;
    uint64_t bits;
    memcpy(&bits, &same, sizeof bits);
    return (uint32_t)((bits * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - SLOT_BITS));
}

/* Adds a finite number to a table that has room for it. Whether it is new. */
static bool insert(double *table, double value)
{
    for (uint32_t slot = slot_of(value);; slot = (slot + 1) % SLOTS) {
        if (table[slot] == value)
            return false;
        if (isnan(table[slot])) {
            table[slot] = value;
            return true;
        }
    }
}

/* From 2^53 on every number is whole; below, it fits an integer. */
static bool is_whole(double value)
{
    const double x = value;
    return fabs(x) >= 0x1p53 || x == (double)(int64_t)x;
}

static bool is_many(const flo_levels *levels, int64_t column)
{
    return levels->count[column] > FLO_LEVELS_MOST;
}

/* Whether a small whole number was seen before; marks it. Saves most of what has few
   levels the way to its table, which lies in a cache further off. */
static bool is_seen(uint64_t *seen, double value)
{
    if (!(value >= 0 && value < SMALL))
        return false;
    const int32_t small = (int32_t)value;
    if ((double)small != value)
        return false;
    const uint64_t bit = UINT64_C(1) << (small % 64);
    const bool before = seen[small / 64] & bit;
    seen[small / 64] |= bit;
    return before;
}

/* The numbers of a column in x [rows], `columns` apart. */
static void add_column(flo_levels *levels, int64_t column, int64_t rows,
                       const double *x)
{
    double *const table = levels->table + column * SLOTS;
    uint64_t *const seen = levels->seen + column * SMALL_WORDS;
    for (int64_t i = 0; i < rows; ++i) {
        const double value = x[i * levels->columns];
        if (is_seen(seen, value) || !isfinite(value))
            continue;
        if (levels->whole[column] && !is_whole(value))
            levels->whole[column] = false;
        if (is_many(levels, column)) {
            if (!levels->whole[column])
                return;
        } else if (insert(table, value)) {
            ++levels->count[column];
        }
    }
}

void flo_levels_add(flo_levels *levels, int64_t rows, const double *x)
{
    int64_t kept = 0;
    for (int64_t a = 0; a < levels->active; ++a) {
        const int64_t column = levels->column[a];
        add_column(levels, column, rows, x + column);
        if (!is_many(levels, column) || levels->whole[column])
            levels->column[kept++] = column;
    }
    levels->active = kept;
}

int64_t flo_levels_count(const flo_levels *levels, int64_t column)
{
    return levels->count[column];
}

bool flo_levels_are_whole(const flo_levels *levels, int64_t column)
{
    return levels->whole[column];
}

/* What rank 0 needs to take in the numbers of all ranks. */
typedef struct union_state {
    flo_comm *comm;
    flo_levels *levels;
    double *counts;   /* [ranks, columns], on rank 0 */
    double *mine;     /* [columns] */
    double *list;     /* [columns at once * FLO_LEVELS_MOST] of this rank */
    double *lists;    /* the same of all ranks, on rank 0 */
    int64_t at_once;  /* columns */
    int64_t *decided; /* [columns] 1: many on some rank; then count, from rank 0 */
} union_state;

static flo_status prepare(union_state *u)
{
    flo_context *const context = u->levels->context;
    const int64_t columns = u->levels->columns, ranks = flo_comm_size(u->comm);
    const int64_t all = flo_comm_rank(u->comm) == 0 ? ranks : 0;
    const int64_t fitting = SHARED_REALS / (ranks * FLO_LEVELS_MOST);
    u->at_once = fitting < 1 ? 1 : fitting;
    const int64_t room = u->at_once * FLO_LEVELS_MOST;
    FLO_TRY(flo_allocate(context, columns, sizeof *u->mine, &u->mine));
    FLO_TRY(flo_allocate(context, columns, sizeof *u->decided, &u->decided));
    FLO_TRY(flo_allocate(context, columns * all, sizeof *u->counts, &u->counts));
    FLO_TRY(flo_allocate(context, room, sizeof *u->list, &u->list));
    return flo_allocate(context, room * all, sizeof *u->lists, &u->lists);
}

/* This rank's numbers of columns [begin, end) that are not decided yet. */
static int64_t list_levels(const union_state *u, int64_t begin, int64_t end)
{
    int64_t length = 0;
    for (int64_t c = begin; c < end; ++c) {
        const double *const table = u->levels->table + c * SLOTS;
        for (int64_t s = 0; s < SLOTS && !u->decided[c]; ++s)
            if (!isnan(table[s]))
                u->list[length++] = table[s];
    }
    return length;
}

/* Rank 0 adds the numbers of the others, which come rank by rank, column by column. */
static void take_in(const union_state *u, int64_t begin, int64_t end)
{
    flo_levels *const levels = u->levels;
    const double *next = u->lists;
    for (int rank = 0; rank < flo_comm_size(u->comm); ++rank)
        for (int64_t c = begin; c < end; ++c) {
            const double *const counts = u->counts + rank * levels->columns;
            const int64_t count = u->decided[c] ? 0 : (int64_t)counts[c];
            for (int64_t i = 0; i < count && !is_many(levels, c); ++i)
                levels->count[c] += insert(levels->table + c * SLOTS, next[i]);
            next += count;
        }
}

/* A column with many levels on one rank has many; its numbers stay where they are. */
static void decide(union_state *u)
{
    flo_levels *const levels = u->levels;
    for (int64_t c = 0; c < levels->columns; ++c)
        u->decided[c] = is_many(levels, c);
    flo_comm_sum_integers(u->comm, u->decided, levels->columns);
    for (int64_t c = 0; c < levels->columns; ++c)
        if (u->decided[c])
            levels->count[c] = FLO_LEVELS_MOST + 1;
}

/* One that is not whole on one rank is not whole. */
static void share_whole(union_state *u, int64_t *broken)
{
    flo_levels *const levels = u->levels;
    for (int64_t c = 0; c < levels->columns; ++c)
        broken[c] = !levels->whole[c];
    flo_comm_sum_integers(u->comm, broken, levels->columns);
    for (int64_t c = 0; c < levels->columns; ++c)
        levels->whole[c] = broken[c] == 0;
}

static void unite(union_state *u)
{
    flo_levels *const levels = u->levels;
    const int64_t columns = levels->columns;
    share_whole(u, u->decided);
    decide(u);
    for (int64_t c = 0; c < columns; ++c)
        u->mine[c] = (double)levels->count[c];
    flo_comm_gather_doubles(u->comm, u->mine, columns, u->counts);
    for (int64_t begin = 0; begin < columns; begin += u->at_once) {
        const int64_t end = begin + u->at_once < columns ? begin + u->at_once : columns;
        flo_comm_gather_doubles(u->comm, u->list, list_levels(u, begin, end), u->lists);
        if (flo_comm_rank(u->comm) == 0)
            take_in(u, begin, end);
    }
    flo_comm_broadcast(u->comm, levels->count,
                       columns * (int64_t)sizeof *levels->count);
}

flo_status flo_levels_share(flo_comm *comm, flo_levels *levels)
{
    if (flo_comm_size(comm) == 1)
        return FLO_OK;
    flo_context *const context = levels->context;
    union_state u = {.comm = comm, .levels = levels};
    const flo_status status = flo_comm_agree(comm, context, prepare(&u));
    if (status == FLO_OK)
        unite(&u);
    flo_free(context, &u.counts);
    flo_free(context, &u.mine);
    flo_free(context, &u.list);
    flo_free(context, &u.lists);
    flo_free(context, &u.decided);
    return status;
}

/* The pass over a source: sums of powers by part of the rows, parts added in the tree's
   order; counts, extremes and levels in any order. */
#include "data/profile.h"

#include "core/clock.h"
#include "core/integers.h"
#include "core/lane_tree.h"
#include "data/power_sums.h"
#include "data/profile_sample.h"

#include <math.h>
#include <string.h>

enum {
    PARTS = 256,           /* as many ranks have something to do, at most */
    PIECE_BYTES = 1 << 17, /* of rows read at a time: they stay in a core's cache */
    CHUNK_BYTES =
        1 << 22,      /* the same where the file has chunks, which are decoded whole */
    SHIFT_PLACES = 4, /* the shift is the mean of rows here and there */
    SHIFT_ROWS = 256,
    SAMPLE_PLACES = 4, /* of what is looked at for repeated numbers and copies */
    SAMPLE_ROWS = 1024,
    SHARED_DOUBLES = 1 << 20
};

typedef struct pass {
    flo_comm *comm;                                      /* borrowed */
    flo_context *context;                                /* borrowed */
    flo_source *source;                                  /* borrowed */
    flo_profile *profile;                                /* borrowed */
    int64_t rows, columns, parts, first_part, last_part; /* the latter of this rank */
    int64_t piece_rows;
    double *x;                 /* [piece_rows, columns] */
    double *shift;             /* [columns] */
    double *sum;               /* [own parts, FLO_POWERS, columns] */
    double *low, *high;        /* [columns] */
    double *zeros_of_call;     /* [columns] */
    int64_t *counts;           /* [4, columns]: NaN, infinite, zeros, repeated */
    double *repeated;          /* [columns]: the number that is counted, NaN: none */
    flo_profile_sample sample; /* of rank 0 */
    double *extremes;          /* [2, columns] */
    double *slots;             /* [columns at once, FLO_POWERS, parts] */
    int64_t columns_at_once;
    flo_levels *levels;
} pass;

/* Whole groups of rows, and about whole chunks where there are any. */
static int64_t choose_piece(const pass *p)
{
    const int64_t columns = p->columns > 0 ? p->columns : 1;
    const int64_t row_bytes = columns * (int64_t)sizeof(double);
    const int64_t chunk = flo_source_describe(p->source)->chunk_rows;
    int64_t rows = PIECE_BYTES / row_bytes;
    if (chunk > rows)
        rows = flo_lesser(chunk, CHUNK_BYTES / row_bytes);
    rows -= rows % FLO_GROUP_ROWS;
    return rows > FLO_GROUP_ROWS ? rows : FLO_GROUP_ROWS;
}

static flo_status take_memory(pass *p)
{
    flo_context *const context = p->context;
    const int64_t own = p->last_part - p->first_part, C = p->columns;
    const int64_t fitting = SHARED_DOUBLES / (FLO_POWERS * PARTS);
    p->columns_at_once = flo_lesser(fitting > 1 ? fitting : 1, C);
    p->piece_rows = choose_piece(p);
    FLO_TRY(flo_allocate(context, p->piece_rows * C, sizeof *p->x, &p->x));
    FLO_TRY(flo_allocate(context, C, sizeof *p->shift, &p->shift));
    FLO_TRY(flo_allocate(context, own * FLO_POWERS * C, sizeof *p->sum, &p->sum));
    FLO_TRY(flo_allocate(context, C, sizeof *p->low, &p->low));
    FLO_TRY(flo_allocate(context, C, sizeof *p->high, &p->high));
    FLO_TRY(flo_allocate(context, C, sizeof *p->zeros_of_call, &p->zeros_of_call));
    FLO_TRY(flo_allocate(context, 4 * C, sizeof *p->counts, &p->counts));
    FLO_TRY(flo_allocate(context, C, sizeof *p->repeated, &p->repeated));
    FLO_TRY(flo_allocate(context, 2 * C, sizeof *p->extremes, &p->extremes));
    FLO_TRY(flo_allocate(context, p->columns_at_once * FLO_POWERS * p->parts,
                         sizeof *p->slots, &p->slots));
    FLO_TRY(flo_levels_create(context, C, &p->levels));
    for (int64_t j = 0; j < C; ++j) {
        p->low[j] = INFINITY;
        p->high[j] = -INFINITY;
    }
    return flo_allocate(context, C, sizeof *p->profile->column, &p->profile->column);
}

static void release(pass *p)
{
    flo_free(p->context, &p->x);
    flo_free(p->context, &p->shift);
    flo_free(p->context, &p->sum);
    flo_free(p->context, &p->low);
    flo_free(p->context, &p->high);
    flo_free(p->context, &p->zeros_of_call);
    flo_free(p->context, &p->counts);
    flo_free(p->context, &p->repeated);
    flo_profile_sample_free(p->context, &p->sample);
    flo_free(p->context, &p->extremes);
    flo_free(p->context, &p->slots);
    flo_levels_destroy(&p->levels);
}

/* Adds the finite numbers of the rows in x to sums and counts [columns]. */
static void add_finite(const pass *p, int64_t rows, double *sum, double *count)
{
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < p->columns; ++j) {
            const double x = p->x[i * p->columns + j];
            if (isfinite(x)) {
                sum[j] += (double)x;
                ++count[j];
            }
        }
}

/* The shift need only be near the numbers. Rank 0 finds it. */
static flo_status find_shift(pass *p)
{
    double *count;
    FLO_TRY(flo_allocate(p->context, p->columns, sizeof *count, &count));
    flo_status status = FLO_OK;
    for (int64_t place = 0; status == FLO_OK && place < SHIFT_PLACES; ++place) {
        const int64_t first = flo_lane_first(p->rows, SHIFT_PLACES, place);
        const int64_t rows =
            flo_lesser(flo_lesser(SHIFT_ROWS, p->piece_rows),
                       flo_lane_first(p->rows, SHIFT_PLACES, place + 1) - first);
        status = flo_source_read_wide(p->source, first, rows, p->columns, p->x);
        if (status == FLO_OK)
            add_finite(p, rows, p->shift, count);
    }
    for (int64_t j = 0; j < p->columns; ++j)
        p->shift[j] = count[j] > 0 ? p->shift[j] / count[j] : 0;
    flo_free(p->context, &count);
    return status;
}

static flo_power_sums sums_of(const pass *p, int64_t part)
{
    const int64_t C = p->columns;
    double *const sum = p->sum + (part - p->first_part) * FLO_POWERS * C;
    return (flo_power_sums){.shift = p->shift,
                            .sum = {sum, sum + C, sum + 2 * C, sum + 3 * C},
                            .low = p->low,
                            .high = p->high,
                            .nan = p->counts,
                            .infinite = p->counts + C,
                            .zeros = p->counts + 2 * C,
                            .zeros_of_call = p->zeros_of_call};
}

/* Counts the number that stood out in the sample; zeros are counted anyway. */
static void count_repeated(const pass *p, int64_t rows)
{
    int64_t *const count = p->counts + 3 * p->columns;
    for (int64_t j = 0; j < p->columns; ++j)
        for (int64_t i = 0; p->repeated[j] != 0 && !isnan(p->repeated[j]) && i < rows;
             ++i)
            count[j] += p->x[i * p->columns + j] == p->repeated[j];
}

static flo_status sum_part(pass *p, int64_t part)
{
    const flo_power_sums sums = sums_of(p, part);
    const int64_t last = flo_lane_first(p->rows, p->parts, part + 1);
    for (int64_t first = flo_lane_first(p->rows, p->parts, part); first < last;) {
        const int64_t rows = flo_lesser(p->piece_rows, last - first);
        const double begin = flo_seconds();
        FLO_TRY(flo_source_read_wide(p->source, first, rows, p->columns, p->x));
        p->profile->read_seconds += flo_seconds() - begin;
        flo_power_sums_add(rows, p->columns, p->x, &sums);
        flo_levels_add(p->levels, rows, p->x);
        count_repeated(p, rows);
        first += rows;
    }
    return FLO_OK;
}

static flo_status sum_parts(pass *p)
{
    for (int64_t part = p->first_part; part < p->last_part; ++part)
        FLO_TRY(sum_part(p, part));
    return FLO_OK;
}

/* Mean, deviation and kurtosis from the sums of powers of x - shift over n numbers. */
static void set_moments(flo_column_profile *column, double shift, const double *sum)
{
    const double n = (double)column->finite, m = sum[0] / n;
    const double second = sum[1] / n, third = sum[2] / n, fourth = sum[3] / n;
    const double variance = second - m * m;
    const double central =
        fourth - 4 * m * third + 6 * m * m * second - 3 * m * m * m * m;
    column->mean = shift + m;
    column->deviation = sqrt(variance < 0 ? 0 : variance);
    column->kurtosis = central / (variance * variance) - 3;
    if (column->levels != 1)
        return;
    column->mean = column->low; /* without what rounding leaves */
    column->deviation = 0;
    column->kurtosis = NAN;
}

/* Counts, extremes and levels of all ranks become those of the columns. */
static void share_counts(pass *p)
{
    const int64_t C = p->columns;
    double *const low = p->extremes, *const high = p->extremes + C;
    for (int64_t j = 0; j < C; ++j) {
        low[j] = p->low[j];
        high[j] = p->high[j];
    }
    flo_comm_minimum(p->comm, low, C);
    flo_comm_maximum(p->comm, high, C);
    flo_comm_sum_integers(p->comm, p->counts, 4 * C);
    for (int64_t j = 0; j < C; ++j) {
        flo_column_profile *const column = &p->profile->column[j];
        column->nan = p->counts[j];
        column->infinite = p->counts[C + j];
        column->zeros = p->counts[2 * C + j];
        column->repeated = p->repeated[j] + 0.0;
        column->repeats = p->repeated[j] == 0 ? column->zeros : p->counts[3 * C + j];
        column->copy_of = -1;
        column->finite = p->rows - column->nan - column->infinite;
        /* + 0: whether -0 or +0 is met first depends on the ranks. */
        column->low = column->finite ? low[j] + 0.0 : NAN;
        column->high = column->finite ? high[j] + 0.0 : NAN;
        column->levels = flo_levels_count(p->levels, j);
        column->whole = flo_levels_are_whole(p->levels, j);
    }
}

/* The moments of columns [begin, begin + count), through slots [count, FLO_POWERS,
   parts] in which every rank fills in its own parts. */
static void share_moments(pass *p, int64_t begin, int64_t count)
{
    const int64_t C = p->columns;
    memset(p->slots, 0, (size_t)(count * FLO_POWERS * p->parts) * sizeof *p->slots);
    for (int64_t part = p->first_part; part < p->last_part; ++part)
        for (int64_t j = 0; j < count; ++j)
            for (int64_t k = 0; k < FLO_POWERS; ++k)
                p->slots[(j * FLO_POWERS + k) * p->parts + part] =
                    p->sum[((part - p->first_part) * FLO_POWERS + k) * C + begin + j];
    flo_comm_share(p->comm, p->slots, count * FLO_POWERS * p->parts);
    for (int64_t j = 0; j < count; ++j) {
        double sum[FLO_POWERS];
        for (int64_t k = 0; k < FLO_POWERS; ++k)
            sum[k] = flo_lane_sum_doubles(p->parts,
                                          p->slots + (j * FLO_POWERS + k) * p->parts);
        set_moments(&p->profile->column[begin + j], p->shift[begin + j], sum);
    }
}

static void share_all(pass *p)
{
    flo_profile *const profile = p->profile;
    share_counts(p);
    for (int64_t begin = 0; begin < p->columns; begin += p->columns_at_once)
        share_moments(p, begin, flo_lesser(p->columns_at_once, p->columns - begin));
    flo_comm_maximum(p->comm, &profile->read_seconds, 1);
    flo_comm_maximum(p->comm, &profile->seconds, 1);
}

/* What rank 0 sees in a sample before the pass: numbers to count. */
static flo_status look(pass *p)
{
    FLO_TRY(find_shift(p));
    FLO_TRY(flo_profile_sample_read(p->context, p->source, p->columns, SAMPLE_ROWS,
                                    SAMPLE_PLACES, &p->sample));
    return flo_profile_sample_repeats(p->context, &p->sample, p->repeated);
}

/* And after it, for all ranks: columns that are copies. */
static flo_status share_copies(pass *p)
{
    flo_column_profile *const column = p->profile->column;
    flo_status status = FLO_OK;
    if (flo_comm_rank(p->comm) == 0)
        status = flo_profile_sample_copies(p->context, &p->sample, p->profile);
    FLO_TRY(flo_comm_agree(p->comm, p->context, status));
    flo_comm_broadcast(p->comm, column, p->columns * (int64_t)sizeof *column);
    return FLO_OK;
}

static flo_status collect(pass *p)
{
    flo_status status = take_memory(p);
    if (status == FLO_OK && flo_comm_rank(p->comm) == 0)
        status = look(p);
    FLO_TRY(flo_comm_agree(p->comm, p->context, status));
    flo_comm_broadcast(p->comm, p->shift, p->columns * (int64_t)sizeof *p->shift);
    flo_comm_broadcast(p->comm, p->repeated, p->columns * (int64_t)sizeof *p->repeated);
    p->profile->block_rows = p->piece_rows;
    const double begin = flo_seconds();
    status = sum_parts(p);
    p->profile->seconds = flo_seconds() - begin;
    FLO_TRY(flo_comm_agree(p->comm, p->context, status));
    FLO_TRY(flo_levels_share(p->comm, p->levels));
    share_all(p);
    return share_copies(p);
}

flo_status flo_profile_collect(flo_comm *comm, flo_context *context, flo_source *source,
                               flo_profile *profile)
{
    const flo_source_info *const info = flo_source_describe(source);
    const int rank = flo_comm_rank(comm), size = flo_comm_size(comm);
    *profile = (flo_profile){.columns = info->columns};
    const flo_status choice = flo_source_choose(source, info->columns, NULL);
    FLO_TRY(flo_comm_agree(comm, context, choice));
    const int64_t parts = flo_lesser(PARTS, info->rows);
    profile->rows = info->rows;
    pass p = {.comm = comm,
              .context = context,
              .source = source,
              .profile = profile,
              .rows = info->rows,
              .columns = info->columns,
              .parts = parts,
              .first_part = flo_lane_first(parts, size, rank),
              .last_part = flo_lane_first(parts, size, rank + 1)};
    const flo_status status = collect(&p);
    release(&p);
    if (status != FLO_OK)
        flo_profile_free(context, profile);
    return status;
}

void flo_profile_free(flo_context *context, flo_profile *profile)
{
    flo_free(context, &profile->column);
}

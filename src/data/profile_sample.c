/* A sample of rows: repeated numbers, copied columns. */
#include "data/profile_sample.h"

#include "core/integers.h"
#include "core/lane_tree.h"

#include <math.h>
#include <stdlib.h>

enum {
    MOST_REALS = 1 << 23,
    LEAST_ROWS = 8,  /* fewer make copies of columns that are none */
    COMPARED = 32,   /* columns of like kurtosis that one is compared with */
    REPEATS_OF = 40, /* a fortieth of the sample */
};
static const double near = 1e-3; /* standard deviations, and of kurtosis */

flo_status flo_profile_sample_read(flo_context *context, flo_source *source,
                                   int64_t columns, int64_t most, int64_t places,
                                   flo_profile_sample *sample)
{
    const int64_t N = flo_source_describe(source)->rows;
    const int64_t fitting =
        flo_greater(MOST_REALS / flo_greater(columns, 1), LEAST_ROWS);
    most = flo_lesser(flo_lesser(most, fitting), N);
    places = flo_lesser(places, most);
    double *x;
    *sample = (flo_profile_sample){.columns = columns};
    FLO_TRY(flo_allocate(context, most * columns, sizeof *x, &x));
    flo_status status = flo_allocate(context, most * columns, sizeof *x, &sample->x);
    int64_t done = 0;
    for (int64_t p = 0; p < places && status == FLO_OK; p++) {
        const int64_t rows = flo_lane_first(most, places, p + 1) - done;
        status = flo_source_read_wide(source, flo_lane_first(N, places, p), rows,
                                      columns, x + done * columns);
        done += rows;
    }
    sample->rows = done;
    for (int64_t i = 0; status == FLO_OK && i < done; i++)
        for (int64_t j = 0; j < columns; j++)
            sample->x[j * done + i] = x[i * columns + j];
    flo_free(context, &x);
    return status;
}

void flo_profile_sample_free(flo_context *context, flo_profile_sample *sample)
{
    flo_free(context, &sample->x);
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The number that comes most often in values [n], which are sorted; how often. */
static double most_often(int64_t n, const double *value, int64_t *times)
{
    double found = NAN;
    *times = 0;
    for (int64_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && value[next] == value[i]; next++)
            ;
        if (next - i > *times) {
            *times = next - i;
            found = value[i];
        }
    }
    return found;
}

flo_status flo_profile_sample_repeats(flo_context *context,
                                      const flo_profile_sample *sample, double *value)
{
    double *sorted;
    FLO_TRY(flo_allocate(context, sample->rows, sizeof *sorted, &sorted));
    for (int64_t j = 0; j < sample->columns; j++) {
        int64_t n = 0, times;
        for (int64_t i = 0; i < sample->rows; i++)
            if (isfinite(sample->x[j * sample->rows + i]))
                sorted[n++] = sample->x[j * sample->rows + i];
        qsort(sorted, (size_t)n, sizeof *sorted, compare);
        value[j] = most_often(n, sorted, &times);
        if (times < 2 || times * REPEATS_OF < sample->rows)
            value[j] = NAN;
    }
    flo_free(context, &sorted);
    return FLO_OK;
}

/* Whether column b is a line of column a in every row: their standardized numbers are
   the same, or of opposite sign. */
static bool is_line(const flo_profile_sample *sample, const flo_profile *profile,
                    int64_t a, int64_t b)
{
    const flo_column_profile *const p = &profile->column[a], *const q =
                                                                 &profile->column[b];
    const double *const x = sample->x + a * sample->rows;
    const double *const y = sample->x + b * sample->rows;
    bool same = true, opposite = true;
    for (int64_t i = 0; i < sample->rows && (same || opposite); i++) {
        const bool finite = isfinite(x[i]);
        if (finite != (bool)isfinite(y[i]))
            return false;
        if (!finite)
            continue;
        const double u = (x[i] - p->mean) / p->deviation;
        const double v = (y[i] - q->mean) / q->deviation;
        const double most = near * (1 + fabs(u));
        same = same && fabs(u - v) <= most;
        opposite = opposite && fabs(u + v) <= most;
    }
    return same || opposite;
}

typedef struct candidate {
    double kurtosis;
    int64_t column;
} candidate;

static int compare_candidates(const void *left, const void *right)
{
    const candidate *const a = left, *const b = right;
    if (a->kurtosis != b->kurtosis)
        return a->kurtosis > b->kurtosis ? 1 : -1;
    return (a->column > b->column) - (a->column < b->column);
}

/* Compares column `at` of the sorted ones with those behind it of like kurtosis. */
static void compare_with_next(const flo_profile_sample *sample, const candidate *sorted,
                              int64_t count, int64_t at, flo_profile *profile)
{
    const int64_t a = sorted[at].column;
    const double limit = near * (3 + fabs(sorted[at].kurtosis));
    for (int64_t k = at + 1; k < flo_lesser(count, at + COMPARED); k++) {
        if (sorted[k].kurtosis - sorted[at].kurtosis > limit)
            return;
        const int64_t b = sorted[k].column;
        if (!is_line(sample, profile, a, b))
            continue;
        flo_column_profile *const later = &profile->column[flo_greater(a, b)];
        const int64_t first = flo_lesser(a, b);
        if (later->copy_of < 0 || first < later->copy_of)
            later->copy_of = first;
    }
}

flo_status flo_profile_sample_copies(flo_context *context,
                                     const flo_profile_sample *sample,
                                     flo_profile *profile)
{
    candidate *sorted;
    int64_t count = 0;
    if (sample->rows < LEAST_ROWS)
        return FLO_OK;
    FLO_TRY(flo_allocate(context, sample->columns, sizeof *sorted, &sorted));
    for (int64_t j = 0; j < sample->columns; j++) {
        const flo_column_profile *const c = &profile->column[j];
        if (c->levels > 1 && isfinite(c->kurtosis) && c->deviation > 0)
            sorted[count++] = (candidate){c->kurtosis, j};
    }
    qsort(sorted, (size_t)count, sizeof *sorted, compare_candidates);
    for (int64_t k = 0; k < count; k++)
        compare_with_next(sample, sorted, count, k, profile);
    flo_free(context, &sorted);
    return FLO_OK;
}

/* Log-likelihood of a column's normal, as it is and bent, on a sample of rows. */
#include "cli/init_gain.h"

#include <math.h>

enum {
    LEAST = 20, /* rows that tell anything */
    DRAWS = 8   /* of the noise that whole numbers get, evenly spread */
};
static const double half_log_two_pi = 0.91893853320467274178;
/* Of a column whose deviation overflows: any other normal is better. */
static const double no_likelihood = -1e30;

/* A number bent, and the logarithm of the slope there. */
static double bend(const flo_init_column *c, double x, double *log_slope)
{
    double y = x, s = 0;
    if (c->whole) {
        y = (x - (double)c->low) / (double)c->levels;
        s = -log((double)c->levels);
    }
    *log_slope = s;
    switch (c->kind) {
    case FLO_INIT_LOG:
        *log_slope = s - log(y);
        return log(y);
    case FLO_INIT_LOGIT:
        *log_slope = s - log(y) - log1p(-y);
        return log(y) - log1p(-y);
    case FLO_INIT_SIGNED:
        *log_slope = s - log(c->scale + fabs(y));
        return copysign(log1p(fabs(y) / c->scale), y);
    default:
        return y;
    }
}

static int draws_of(const flo_init_column *c)
{
    return c->whole ? DRAWS : 1;
}

static double draw(const flo_init_column *c, double x, int k)
{
    return c->whole ? x + (k + 0.5) / DRAWS : x;
}

typedef struct normal {
    double n, mean, variance;
} normal;

static double log_density(const normal *m, double x)
{
    const double d = x - m->mean;
    return -0.5 * d * d / m->variance - 0.5 * log(m->variance) - half_log_two_pi;
}

/* The normals of the bent numbers of every other row; how many are finite. */
static int64_t fit(const flo_init_column *c, int64_t n, const double *x, normal half[2])
{
    const int draws = draws_of(c);
    int64_t count = 0;
    double slope;
    half[0] = half[1] = (normal){0, 0, 0};
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            continue;
        normal *const m = &half[count++ % 2];
        for (int k = 0; k < draws; k++) {
            const double d = bend(c, draw(c, (double)x[i], k), &slope) - m->mean;
            m->n += 1;
            m->mean += d / m->n;
            m->variance += d * d * (1 - 1 / m->n);
        }
    }
    for (int h = 0; h < 2; h++)
        half[h].variance /= half[h].n;
    return count;
}

static double plain(const flo_column_profile *p, const flo_init_column *c, double x)
{
    const double deviation = p->deviation;
    const normal m = {1, p->mean + (c->whole ? 0.5 : 0),
                      deviation * deviation + (c->whole ? 1.0 / 12 : 0)};
    return isfinite(deviation) ? log_density(&m, x) : no_likelihood;
}

static double gain_of_row(const flo_column_profile *p, const flo_init_column *c,
                          const normal *other, double x)
{
    const int draws = draws_of(c);
    double sum = 0;
    for (int k = 0; k < draws; k++) {
        double slope;
        const double u = draw(c, x, k), z = bend(c, u, &slope);
        sum += log_density(other, z) + slope - plain(p, c, u);
    }
    return sum / draws;
}

double flo_init_gain(const flo_column_profile *p, const flo_init_column *c, int64_t n,
                     const double *x, double *error)
{
    normal half[2];
    double count = 0, mean = 0, squares = 0;
    *error = 0;
    if (fit(c, n, x, half) < LEAST || !(half[0].variance > 0 && half[1].variance > 0))
        return -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            continue;
        const normal *const other = &half[((int64_t)count + 1) % 2];
        const double d = gain_of_row(p, c, other, (double)x[i]) - mean;
        count += 1;
        mean += d / count;
        squares += d * d * (1 - 1 / count);
    }
    *error = sqrt(squares) / count;
    return mean;
}

/* Learning-rate schedules: a table of shapes, times a linear warm-up. */
#include "optim/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

typedef double (*shape)(const flo_schedule_settings *settings,
                        const flo_plateau *plateau, int64_t step, int64_t steps);

static double constant(const flo_schedule_settings *settings,
                       const flo_plateau *plateau, int64_t step, int64_t steps)
{
    (void)settings, (void)plateau, (void)step, (void)steps;
    return 1;
}

/* From 1 after the warm-up to 0 behind the last step (Loshchilov & Hutter 2017,
   arXiv 1608.03983, without restarts). */
static double cosine(const flo_schedule_settings *settings, const flo_plateau *plateau,
                     int64_t step, int64_t steps)
{
    (void)plateau;
    const int64_t warm = settings->warmup_steps;
    if (step <= warm || steps <= warm)
        return 1;
    const double t = (double)(step - 1 - warm) / (double)(steps - warm);
    return 0.5 * (1 + cos(pi * t));
}

static double drops(const flo_schedule_settings *settings, const flo_plateau *plateau,
                    int64_t step, int64_t steps)
{
    (void)plateau, (void)steps;
    return pow(settings->schedule_factor,
               (double)((step - 1) / settings->schedule_steps));
}

static double on_plateau(const flo_schedule_settings *settings,
                         const flo_plateau *plateau, int64_t step, int64_t steps)
{
    (void)step, (void)steps;
    return pow(settings->schedule_factor, (double)plateau->drops);
}

/* In the order of FLO_SCHEDULE_CHOICES. */
static const shape shapes[] = {constant, cosine, drops, on_plateau};
enum { PLATEAU = 3 };

double flo_schedule_rate(const flo_schedule_settings *settings,
                         const flo_plateau *plateau, int64_t step, int64_t steps)
{
    double rate = settings->learning_rate *
                  shapes[settings->schedule](settings, plateau, step, steps);
    if (step <= settings->warmup_steps)
        rate *= (double)step / (double)settings->warmup_steps;
    return rate;
}

void flo_plateau_see(const flo_schedule_settings *settings, flo_plateau *plateau,
                     double value)
{
    if (value > plateau->best) {
        plateau->best = value;
        plateau->waited = 0;
    } else if (settings->schedule == PLATEAU &&
               ++plateau->waited >= settings->schedule_patience) {
        plateau->drops++;
        plateau->waited = 0;
    }
}

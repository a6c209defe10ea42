/* Learning-rate schedules: a rate for every step. */
#ifndef FLO_OPTIM_SCHEDULE_H
#define FLO_OPTIM_SCHEDULE_H

#include <stdint.h>

#define FLO_SCHEDULE_CHOICES "constant|cosine|step|plateau"

typedef struct flo_schedule_settings {
    double learning_rate;
    int schedule;
    int64_t warmup_steps;   /* linear from 0 */
    double schedule_factor; /* step, plateau: times this at every drop */
    int64_t schedule_steps; /* step: steps between drops */
    int64_t
        schedule_patience; /* plateau: validations without a new best before a drop */
} flo_schedule_settings;

/* What a plateau schedule has seen; part of a checkpoint. */
typedef struct flo_plateau {
    double best;
    int64_t waited; /* validations since the best or the last drop */
    int64_t drops;
} flo_plateau;

/* The rate of step `step` (from 1) of `steps`. Pure. Local. */
double flo_schedule_rate(const flo_schedule_settings *settings,
                         const flo_plateau *plateau, int64_t step, int64_t steps);

/* Tells a validation's value (higher is better). Local. */
void flo_plateau_see(const flo_schedule_settings *settings, flo_plateau *plateau,
                     double value);

#endif

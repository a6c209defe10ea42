/* Time that passes. */
#ifndef FLO_CORE_CLOCK_H
#define FLO_CORE_CLOCK_H

/* Seconds of a clock that never goes back. Local. */
double flo_seconds(void);

#endif

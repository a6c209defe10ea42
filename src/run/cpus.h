/* Sets of logical cores: which of them a process, or each thread of a team, may use. */
#ifndef FLO_RUN_CPUS_H
#define FLO_RUN_CPUS_H

#include <stdbool.h>
#include <stdint.h>

enum { FLO_CPU_WORDS = 16 }; /* 1024 cores, as many as the C library's cpu_set_t */

/* Core i is bit i % 64 of word[i / 64]. */
typedef struct flo_cpus {
    uint64_t word[FLO_CPU_WORDS];
} flo_cpus;

/* All cores that the threads of an OpenMP team of `threads` may use together; empty
   where the system does not tell. OMP_PROC_BIND binds threads one by one, so the
   calling thread alone does not know. Local. */
flo_cpus flo_cpus_of_team(int threads);

/* Pure. Local. */
int flo_cpus_count(const flo_cpus *cpus);
bool flo_cpus_within(const flo_cpus *inner, const flo_cpus *outer);

/* The cores as text [size], "0-3,8": what does not fit is left off. Returns text. Pure.
   Local. */
const char *flo_cpus_text(const flo_cpus *cpus, char *text, int size);

#endif

/* Sets of logical cores as bits, and the kernel's word on them. */
#include "run/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { BITS = 64, MOST = FLO_CPU_WORDS * BITS };

static bool has(const flo_cpus *cpus, int i)
{
    return i < MOST && cpus->word[i / BITS] >> (i % BITS) & 1;
}

/* Of the calling thread. */
static flo_cpus own(void)
{
    flo_cpus cpus = {{0}};
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (int i = 0; i < MOST && i < CPU_SETSIZE; i++)
            cpus.word[i / BITS] |= (uint64_t)(CPU_ISSET((size_t)i, &set) != 0)
                                   << (i % BITS);
    return cpus;
}

flo_cpus flo_cpus_of_team(int threads)
{
    flo_cpus all = {{0}};
#pragma omp parallel num_threads(threads)
    {
        const flo_cpus mine = own();
#pragma omp critical
        for (int i = 0; i < FLO_CPU_WORDS; i++)
            all.word[i] |= mine.word[i];
    }
    return all;
}

int flo_cpus_count(const flo_cpus *cpus)
{
    int count = 0;
    for (int i = 0; i < FLO_CPU_WORDS; i++)
        count += __builtin_popcountll(cpus->word[i]);
    return count;
}

bool flo_cpus_within(const flo_cpus *inner, const flo_cpus *outer)
{
    for (int i = 0; i < FLO_CPU_WORDS; i++)
        if (inner->word[i] & ~outer->word[i])
            return false;
    return true;
}

const char *flo_cpus_text(const flo_cpus *cpus, char *text, int size)
{
    int used = 0;
    text[0] = '\0';
    for (int first = 0; first < MOST; first++) {
        int last = first;
        if (!has(cpus, first))
            continue;
        while (has(cpus, last + 1))
            last++;
        char range[32];
        const int length = last > first
                               ? snprintf(range, sizeof range, "%d-%d", first, last)
                               : snprintf(range, sizeof range, "%d", first);
        if (used + length + 2 > size)
            return text;
        used += snprintf(text + used, (size_t)(size - used), "%s%s", used ? "," : "",
                         range);
        first = last;
    }
    return text;
}

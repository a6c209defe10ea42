/* The checks in their order, and what they share. */
#include "train/environment.h"

#include "train/environment_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void flo_checks_add(flo_checks *checks, flo_level level, const char *name,
                    const char *cure, const char *found, ...)
{
    if (checks->count == FLO_MOST_CHECKS)
        return;
    flo_check *const check = &checks->row[checks->count++];
    *check = (flo_check){.level = level, .name = name};
    snprintf(check->cure, sizeof check->cure, "%s", cure);
    va_list arguments;
    va_start(arguments, found);
    vsnprintf(check->found, sizeof check->found, found, arguments);
    va_end(arguments);
}

bool flo_share_host(const flo_environment *e, int a, int b)
{
    return strcmp(e->rank[a].machine.host, e->rank[b].machine.host) == 0;
}

int flo_ranks_beside(const flo_environment *e, int rank)
{
    int count = 0;
    for (int other = 0; other < e->ranks; other++)
        count += flo_share_host(e, rank, other);
    return count;
}

int flo_first_beside(const flo_environment *e, int rank)
{
    int other = 0;
    while (!flo_share_host(e, rank, other))
        other++;
    return other;
}

int flo_hosts(const flo_environment *e)
{
    int count = 0;
    for (int rank = 0; rank < e->ranks; rank++)
        count += flo_first_beside(e, rank) == rank;
    return count;
}

bool flo_is_open_mpi(const flo_environment *e)
{
    return strncmp(e->library, "Open MPI", strlen("Open MPI")) == 0;
}

void flo_environment_check(const flo_environment *e, flo_checks *checks)
{
    static void (*const parts[])(const flo_environment *, flo_checks *) = {
        flo_check_launch, flo_check_cores, flo_check_messages, flo_check_memory,
        flo_check_files};
    checks->count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        parts[i](e, checks);
}

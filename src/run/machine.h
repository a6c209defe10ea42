/* What a machine and its limits leave to this process. */
#ifndef FLO_RUN_MACHINE_H
#define FLO_RUN_MACHINE_H

#include <stdint.h>

/* Bytes and counts; INT64_MAX: no limit; -1: the system does not tell. */
typedef struct flo_machine {
    char host[64];
    int64_t cores;      /* logical, in use by the system */
    double cores_worth; /* of time that the cgroups grant; INFINITY: no limit */
    double load;        /* processes that wanted a core, over the last minute */
    int64_t memory, memory_free; /* of the machine, caches counted as free */
    int64_t memory_limit;        /* the least of the cgroups' */
    int64_t shared, shared_free; /* /dev/shm */
    int64_t address_space, locked_memory, open_files, file_size; /* soft limits */
} flo_machine;

/* `root`: where /proc, /sys and /dev/shm are looked for, "" but in tests. Local. */
void flo_machine_look(const char *root, flo_machine *machine);

/* Reads 8 bytes at an address of another process as MPI libraries copy large messages:
   0, or the errno (EPERM where a container withholds the right). Local. */
int flo_machine_read_process(int64_t pid, uint64_t address);

#endif

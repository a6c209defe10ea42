/* Whether a folder will do as a run directory: tried, not guessed. */
#ifndef FLO_RUN_DIRECTORY_PROBE_H
#define FLO_RUN_DIRECTORY_PROBE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct flo_directory_probe {
    char path[512];       /* what was tried: the directory, or the nearest above it that
                             exists */
    const char *system;   /* "nfs", "ext4"; "" not known by name. Static storage. */
    const char *failed;   /* the call that failed first; NULL: none. Static storage. */
    int error;            /* its errno */
    bool locks;           /* flock(2) works and keeps a second opener out */
    double flush_seconds; /* of 64 kB to the disk */
    int64_t free_bytes;   /* for users; -1 unknown */
} flo_directory_probe;

/* Makes a small file in the directory, locks, writes, flushes, renames and removes it:
   what a run does there. Nothing is left behind. Local. */
void flo_directory_try(const char *path, flo_directory_probe *probe);

#endif

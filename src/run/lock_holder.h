/* Who holds a lock, as one line in its file. Private to the lock. */
#ifndef FLO_RUN_LOCK_HOLDER_H
#define FLO_RUN_LOCK_HOLDER_H

#include <stdbool.h>

enum { FLO_HOLDER_BYTES = 512 };

/* job and restart are "-" outside Slurm; beat is a time in milliseconds since 1970. */
typedef struct flo_holder {
    char host[128], job[64], restart[32];
    long pid;
    long long beat;
} flo_holder;

/* This process, now. Local. */
flo_holder flo_holder_self(void);

/* Whether two holders are one process. Local. */
bool flo_holder_same(const flo_holder *a, const flo_holder *b);

/* Whether both belong to one Slurm job, and if so to one start of it. Local. */
bool flo_holder_same_job(const flo_holder *a, const flo_holder *b);
bool flo_holder_same_start(const flo_holder *a, const flo_holder *b);

/* Reads a lock's file afresh (over NFS, opening is what shows the news). False when it
   is empty, missing or not ours. Local. */
bool flo_holder_read(const char *path, flo_holder *holder);

/* Writes it durably into an open file, whole. Local. Returns 0, or -1 with errno. */
int flo_holder_write(int file, const flo_holder *holder);

#endif

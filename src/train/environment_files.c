/* Checks of files: HDF5, the config and its data, the run directory and its disk. */
#include "train/environment_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const double SLOW_FLUSH_SECONDS = 1;
static const double SPARE_BYTES = 1e8; /* metrics, samples */

static void check_hdf5(const flo_environment *e, flo_checks *checks)
{
    const flo_hdf5_build *const h = &e->hdf5;
    const char *const locks = getenv("HDF5_USE_FILE_LOCKING");
    flo_checks_add(
        checks, h->deflate ? FLO_LEVEL_OK : FLO_LEVEL_WARN, "hdf5",
        h->deflate ? "" : "an HDF5 built with zlib, or data without compression",
        "%u.%u.%u, %s; data are read without locks, "
        "HDF5_USE_FILE_LOCKING is %s%s",
        h->version[0], h->version[1], h->version[2],
        h->thread_safe ? "thread-safe" : "one thread at a time, as we use it",
        locks ? locks : "not set",
        h->deflate ? "" : "; it cannot read gzip-compressed data");
}

static void check_config(const flo_environment *e, flo_checks *checks)
{
    const flo_needs *const n = &e->needs;
    if (n->config && n->failure)
        flo_checks_add(checks, FLO_LEVEL_BAD, "config", "", "%s", n->failure);
    else if (n->config)
        flo_checks_add(checks, FLO_LEVEL_OK, "config", "",
                       "%s: %d ranks x %d threads fit its lanes, its data open on all",
                       n->config, e->ranks, e->rank[0].threads);
}

static const char *directory_cure(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return "make room on the disk (or in your quota), or choose another "
               "run.directory";
    case EFBIG:
        return "ulimit -f unlimited";
    case EROFS:
        return "the file system is mounted read-only: choose another run.directory";
    default:
        return "choose a run.directory that you may write to";
    }
}

static void check_directory(const flo_environment *e, flo_checks *checks)
{
    const flo_directory_probe *const d = &e->directory;
    const char *const system =
        d->system[0] ? d->system : "a file system without a name";
    const bool in_memory =
        strcmp(d->system, "tmpfs") == 0 || strcmp(d->system, "ramfs") == 0;
    if (d->failed)
        flo_checks_add(checks, FLO_LEVEL_BAD, "directory", directory_cure(d->error),
                       "%s on %s: a trial file failed in %s: %s", d->path, system,
                       d->failed, strerror(d->error));
    else if (!d->locks)
        flo_checks_add(
            checks, FLO_LEVEL_WARN, "directory",
            "a directory on a file system with flock(2) (Lustre: mount with "
            "-o flock)",
            "%s on %s has no file locks: a second job on one run is kept out "
            "by a heartbeat, which takes seconds",
            d->path, system);
    else if (in_memory)
        flo_checks_add(checks, FLO_LEVEL_WARN, "directory", "a run.directory on a disk",
                       "%s is on %s: a run there is gone with the machine, and takes "
                       "its memory",
                       d->path, system);
    else if (d->flush_seconds > SLOW_FLUSH_SECONDS)
        flo_checks_add(checks, FLO_LEVEL_WARN, "directory",
                       "fewer checkpoints (checkpoint.every, checkpoint.minutes), or "
                       "another disk",
                       "%s on %s took %.2g s to flush 64 kB", d->path, system,
                       d->flush_seconds);
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "directory", "",
                       "%s on %s: written, locked, renamed; 64 kB flushed in %.2g ms",
                       d->path, system, 1e3 * d->flush_seconds);
}

/* Those kept, the best, and one being written. */
static void check_disk(const flo_environment *e, flo_checks *checks)
{
    const flo_needs *const n = &e->needs;
    const double free = (double)e->directory.free_bytes;
    const double files = (double)(n->keep + 2);
    const double wanted = files * n->checkpoint_bytes + SPARE_BYTES;
    if (e->directory.free_bytes < 0)
        return;
    if (free < wanted)
        flo_checks_add(checks, n->keep ? FLO_LEVEL_BAD : FLO_LEVEL_WARN, "disk",
                       "make room, lower checkpoint.keep, or choose another "
                       "run.directory",
                       "%.3g GB free at %s, wanted %.3g: %g checkpoints of %.3g GB, "
                       "metrics and samples",
                       1e-9 * free, e->directory.path, 1e-9 * wanted, files,
                       1e-9 * n->checkpoint_bytes);
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "disk", "", "%.3g GB free at %s%s",
                       1e-9 * free, e->directory.path,
                       n->keep ? ", enough for its checkpoints" : "");
}

void flo_check_files(const flo_environment *e, flo_checks *checks)
{
    check_hdf5(e, checks);
    check_config(e, checks);
    check_directory(e, checks);
    check_disk(e, checks);
}

/* The environment of a job, and what is wrong with it: how the ranks were launched,
   which cores, memory, messages and disk they have. */
#ifndef FLO_TRAIN_ENVIRONMENT_H
#define FLO_TRAIN_ENVIRONMENT_H

#include "comm/probe.h"
#include "core/arena.h"
#include "hdf5/build.h"
#include "linalg/products.h"
#include "run/cpus.h"
#include "run/directory_probe.h"
#include "run/machine.h"

/* Of one rank. Plain bytes: it travels as such. */
typedef struct flo_rank_facts {
    flo_machine machine;
    char build[128];    /* version, commit, precision */
    char blas[64];      /* name and version */
    char blas_core[32]; /* that its kernels are for */
    flo_blas_threading blas_how;
    int blas_threads;
    int threads;   /* that the rank would run */
    flo_cpus cpus; /* that these threads may use */
    flo_waiting waiting;
    int64_t pid;
    uint64_t address; /* of 8 bytes that others may read */
    int copy_error;   /* of reading another process's; 0: fine; -1: not tried */
    double gflops;    /* of matrix products on all threads, all ranks at once */
} flo_rank_facts;

/* Messages between rank 0 and another. */
typedef struct flo_link {
    int peer; /* 0: there is none */
    double seconds, bytes_per_second;
} flo_link;

/* What a config asks for. */
typedef struct flo_needs {
    const char *config;  /* NULL: none was given */
    const char *failure; /* why it cannot be used; NULL: it can */
    const char *directory;
    double memory_bytes, checkpoint_bytes; /* a rank's; one file's */
    int64_t keep;
} flo_needs;

typedef struct flo_environment {
    const char *start_failure; /* why MPI did not start; NULL: it did, or need not */
    const char *launcher, *library; /* library: linked with */
    int ranks;
    const flo_rank_facts *rank; /* [ranks] */
    flo_link near, far;  /* on rank 0's host; to the host with the slowest messages */
    const char *sharing; /* why ranks of a host share no memory; NULL: they do */
    flo_directory_probe directory;
    flo_hdf5_build hdf5;
    flo_needs needs;
} flo_environment;

/* Looks and measures, about half a second. CONFIG may be NULL. In the arena.
   Collective. FLO_ERROR_MEMORY. A CONFIG that cannot be used is no failure: it is in
   `needs`. */
FLO_MUST_USE flo_status flo_environment_look(
    flo_comm *comm, flo_arena *arena, const char *start_failure, const char *config,
    const char *const *overrides, int64_t override_count, flo_environment *environment);

/* What was found, and what to do about it. */
typedef enum flo_level { FLO_LEVEL_OK, FLO_LEVEL_WARN, FLO_LEVEL_BAD } flo_level;

typedef struct flo_check {
    flo_level level;
    const char *name;
    char found[1024], cure[512]; /* cure: "" if there is nothing to do */
} flo_check;

enum { FLO_MOST_CHECKS = 32 };

typedef struct flo_checks {
    int64_t count;
    flo_check row[FLO_MOST_CHECKS];
} flo_checks;

/* Judges all of it, in a fixed order. Reads environment variables. Local. */
void flo_environment_check(const flo_environment *environment, flo_checks *checks);

/* One line of it: flo_checks_add(checks, level, name, cure, found...). Local. */
void flo_checks_add(flo_checks *checks, flo_level level, const char *name,
                    const char *cure, const char *found, ...)
    FLO_ATTRIBUTE(format(printf, 5, 6));

#endif

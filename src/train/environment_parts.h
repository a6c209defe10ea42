/* The groups of checks, one file each; for src/train/environment*.c alone. */
#ifndef FLO_TRAIN_ENVIRONMENT_PARTS_H
#define FLO_TRAIN_ENVIRONMENT_PARTS_H

#include "train/environment.h"

/* Each adds its lines. Local. */
void flo_check_launch(const flo_environment *e, flo_checks *checks);
void flo_check_cores(const flo_environment *e, flo_checks *checks);
void flo_check_messages(const flo_environment *e, flo_checks *checks);
void flo_check_memory(const flo_environment *e, flo_checks *checks);
void flo_check_files(const flo_environment *e, flo_checks *checks);

/* Whether two ranks are on one host. */
bool flo_share_host(const flo_environment *e, int a, int b);
/* The ranks on the host of `rank`; that of them which comes first. */
int flo_ranks_beside(const flo_environment *e, int rank);
int flo_first_beside(const flo_environment *e, int rank);
int flo_hosts(const flo_environment *e);

bool flo_is_open_mpi(const flo_environment *e);

#endif

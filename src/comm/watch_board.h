/* The board: the file in which every rank of a job has its record. Plain POSIX. */
#ifndef FLO_COMM_WATCH_BOARD_H
#define FLO_COMM_WATCH_BOARD_H

#include "comm/watch_record.h"

/* Each call opens the file anew and closes it: over NFS that is what makes one host see
   what another wrote. All return 0, or an errno: ESTALE when the file is there and is
   not this job's. None keeps anything. Local. */

/* Makes the file with its first record, that says whose it is, in place of any other.
 */
int flo_watch_board_create(const char *path, uint64_t job);

/* Writes the record of its rank; seals it first. */
int flo_watch_board_write(const char *path, flo_watch_record *record);

/* Reads the records of all ranks into record [size]; *held [size] says which are whole
   and of this job. */
int flo_watch_board_read(const char *path, uint64_t job, int size,
                         flo_watch_record *record, bool *held);

/* Removes the file if it is this job's. */
void flo_watch_board_remove(const char *path, uint64_t job);

#endif

/* The hosts of a run, whose ranks share memory.

   A host here is a run of consecutive ranks on one machine: their lanes adjoin, so that
   their sums are few nodes of the lane tree. Where ranks are dealt to machines in turn
   (mpirun --map-by node, srun --distribution=cyclic) each is a host of its own, and a
   note says so. */
#ifndef FLO_COMM_HOSTS_H
#define FLO_COMM_HOSTS_H

#include "comm/comm.h"

/* Finds the hosts, of at most `most` ranks each (0: of any number); before, and with
   most 1, each rank is one of its own. Where the ranks of a machine cannot open each
   other's memory they stay so, and flo_hosts_note says why. Lasts until the next call
   or flo_comm_finish. Collective. FLO_ERROR_MEMORY; agreed. */
FLO_MUST_USE flo_status flo_hosts_find(flo_comm *comm, flo_context *context, int most);

/* Why ranks of one machine do not share memory though `most` would let them; "" where
   nothing is to be said. Alike on all ranks. Borrowed. Local. */
const char *flo_hosts_note(const flo_comm *comm);

int flo_hosts_count(const flo_comm *comm);
int flo_hosts_least(const flo_comm *comm);           /* ranks of the smallest */
int flo_hosts_first(const flo_comm *comm, int host); /* its first rank; of `count`, R */

/* Of this rank's host: its number, its ranks, and this one's place among them. Local.
 */
int flo_host_number(const flo_comm *comm);
int flo_host_size(const flo_comm *comm);
int flo_host_rank(const flo_comm *comm);

/* The ranks of this host wait for each other; what each wrote into memory that they
   share is seen by all. Collective over the host. */
void flo_host_meet(flo_comm *comm);

#endif

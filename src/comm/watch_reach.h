/* Whether hosts answer over the network, asked of the kernel without MPI. */
#ifndef FLO_COMM_WATCH_REACH_H
#define FLO_COMM_WATCH_REACH_H

#include "comm/watch_record.h"

/* Fills in this host's IPv4 addresses, but for those of the loopback. Local. */
void flo_watch_addresses(flo_watch_record *record);

/* Whether the host of another rank answers on any of its addresses, within two seconds:
   a port that is closed answers as well as one that is open. Addresses that this host
   has too (of bridges, say) tell nothing; a host without others counts as answering. If
   not, reason [size] is "10.77.0.2: No route to host". Local. */
bool flo_watch_reaches(const flo_watch_record *other, char *reason, size_t size);

#endif

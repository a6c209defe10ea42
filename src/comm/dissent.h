/* Which ranks hold other bits than the rest. */
#ifndef FLO_COMM_DISSENT_H
#define FLO_COMM_DISSENT_H

#include "comm/comm.h"

/* Whether all ranks hold the same 64 bits. If not, text [size] says on all of them
   which ranks, on which hosts, differ from the majority, or that there is none.
   Collective. */
bool flo_comm_same_or_named(flo_comm *comm, uint64_t bits, char *text, size_t size);

/* The value that more than half of bits [count] have; false if none does. Pure. Local.
 */
bool flo_majority(const uint64_t *bits, int count, uint64_t *value);

#endif

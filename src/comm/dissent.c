/* A vote on bits that should be the same. */
#include "comm/comm_private.h"
#include "comm/dissent.h"

#include <stdio.h>
#include <string.h>

enum { MOST_NAMED = 8 };

/* What a rank shows of itself: a line of the text, and its bits. */
typedef struct vote {
    uint64_t bits;
    char host[64];
} vote;

/* Boyer and Moore: pairs of different values leave, what stays is the only candidate.
 */
bool flo_majority(const uint64_t *bits, int count, uint64_t *value)
{
    int left = 0, votes = 0;
    for (int i = 0; i < count; i++) {
        if (left == 0)
            *value = bits[i];
        left += bits[i] == *value ? 1 : -1;
    }
    for (int i = 0; i < count; i++)
        votes += bits[i] == *value;
    return 2 * votes > count;
}

/* Whether the votes of all could be gathered; not without memory, on any rank. */
static bool gather(flo_comm *comm, uint64_t bits, vote **votes, uint64_t **all)
{
    vote own = {.bits = bits};
    snprintf(own.host, sizeof own.host, "%.*s", (int)sizeof own.host - 1, comm->host);
    flo_status status = flo_allocate(comm->context, comm->size, sizeof **votes, votes);
    if (status == FLO_OK)
        status = flo_allocate(comm->context, comm->size, sizeof **all, all);
    if (flo_comm_agree(comm, comm->context, status) != FLO_OK)
        return false;
    flo_comm_waits(comm, FLO_WAIT_MEETING);
    flo_comm_check(comm,
                   MPI_Allgather(&own, (int)sizeof own, MPI_BYTE, *votes,
                                 (int)sizeof own, MPI_BYTE, comm->world),
                   "MPI_Allgather");
    flo_comm_waits(comm, FLO_WAIT_NONE);
    for (int rank = 0; rank < comm->size; rank++)
        (*all)[rank] = (*votes)[rank].bits;
    return true;
}

static void name_others(const vote *votes, int count, uint64_t value, char *text,
                        size_t size)
{
    int named = 0;
    size_t used = 0;
    for (int rank = 0; rank < count; rank++)
        if (votes[rank].bits != value && named++ < MOST_NAMED && used < size)
            used += (size_t)snprintf(text + used, size - used, "%srank %d on %s",
                                     named > 1 ? ", " : "", rank, votes[rank].host);
    if (used < size && named > MOST_NAMED)
        used += (size_t)snprintf(text + used, size - used, " and %d more",
                                 named - MOST_NAMED);
    if (used < size)
        snprintf(text + used, size - used, " differ%s from the other %d",
                 named == 1 ? "s" : "", count - named);
}

bool flo_comm_same_or_named(flo_comm *comm, uint64_t bits, char *text, size_t size)
{
    vote *votes = NULL;
    uint64_t *all = NULL, value;
    if (flo_comm_same(comm, bits))
        return true;
    snprintf(text, size, "no more than half of the %d ranks agree", comm->size);
    if (gather(comm, bits, &votes, &all) && flo_majority(all, comm->size, &value))
        name_others(votes, comm->size, value, text, size);
    flo_free(comm->context, &votes);
    flo_free(comm->context, &all);
    return false;
}

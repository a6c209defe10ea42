/* Checks of messages between ranks: their cost, how large ones are copied, and whether
   ranks of a host do without. */
#include "train/environment_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const double NEAR_SECONDS = 1e-4;        /* 1 microsecond is usual on one host */
static const double FAR_BYTES_PER_SECOND = 3e8; /* 1 Gbit Ethernet gives 1.2e8 */

static void check_near(const flo_environment *e, flo_checks *checks)
{
    const flo_link *const link = &e->near;
    if (!link->peer)
        return;
    const bool slow = link->seconds > NEAR_SECONDS;
    flo_checks_add(checks, slow ? FLO_LEVEL_WARN : FLO_LEVEL_OK, "messages",
                   slow ? "fewer ranks than cores, other jobs off this host; where "
                          "there must be more, OMPI_MCA_mpi_yield_when_idle=1"
                        : "",
                   "on %s: %.3g microseconds each way, %.3g GB/s (ranks 0 and %d)",
                   e->rank[0].machine.host, 1e6 * link->seconds,
                   1e-9 * link->bytes_per_second, link->peer);
}

static void check_far(const flo_environment *e, flo_checks *checks)
{
    const flo_link *const link = &e->far;
    if (!link->peer)
        return;
    const bool slow = link->bytes_per_second < FAR_BYTES_PER_SECOND;
    flo_checks_add(
        checks, slow ? FLO_LEVEL_WARN : FLO_LEVEL_OK, "network",
        slow ? "name the fast network: OMPI_MCA_btl_tcp_if_include=NAME (Open MPI), "
               "UCX_NET_DEVICES=NAME (UCX); else take fewer hosts or a larger batch"
             : "",
        "to %s, the slowest host: %.3g microseconds each way, %.3g GB/s (ranks 0 and "
        "%d)",
        e->rank[link->peer].machine.host, 1e6 * link->seconds,
        1e-9 * link->bytes_per_second, link->peer);
}

/* Open MPI copies large messages straight from the other process, by a right that
   containers withhold: then "Read -1, expected N, errno = 1". */
static void check_copies(const flo_environment *e, flo_checks *checks)
{
    int rank = 0;
    while (rank < e->ranks - 1 && e->rank[rank].copy_error <= 0)
        rank++;
    const int error = e->rank[rank].copy_error;
    const char *const chosen = getenv("OMPI_MCA_btl_vader_single_copy_mechanism");
    if (error <= 0)
        return;
    if (!flo_is_open_mpi(e) || (chosen && strcmp(chosen, "none") == 0))
        flo_checks_add(checks, FLO_LEVEL_OK, "copies", "",
                       "one process may not read another's memory (%s); messages are "
                       "copied twice",
                       strerror(error));
    else
        flo_checks_add(checks, FLO_LEVEL_BAD, "copies",
                       "set OMPI_MCA_btl_vader_single_copy_mechanism=none "
                       "(scripts/train_local.sh does), or give the container "
                       "CAP_SYS_PTRACE",
                       "rank %d on %s may not read the memory of the rank beside it "
                       "(%s): large messages fail with \"Read -1, expected N, errno = "
                       "%d\"",
                       rank, e->rank[rank].machine.host, strerror(error), error);
}

static void check_sharing(const flo_environment *e, flo_checks *checks)
{
    const int hosts = flo_hosts(e);
    if (e->ranks == hosts)
        return;
    if (e->sharing)
        flo_checks_add(
            checks, FLO_LEVEL_WARN, "sharing",
            "start consecutive ranks on a host, as one user, in one container", "%s",
            e->sharing);
    else
        flo_checks_add(checks, FLO_LEVEL_OK, "sharing", "",
                       "%d ranks on %d host%s: those of a host share gradients and "
                       "moments",
                       e->ranks, hosts, hosts == 1 ? "" : "s");
}

void flo_check_messages(const flo_environment *e, flo_checks *checks)
{
    check_near(e, checks);
    check_far(e, checks);
    check_copies(e, checks);
    check_sharing(e, checks);
}

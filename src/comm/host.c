/* The ranks that share a host. */
#include "comm/comm_private.h"

int flo_comm_sharing(const flo_comm *comm)
{
    if (flo_comm_size(comm) == 1)
        return 1;
    MPI_Comm host;
    int ranks = 1;
    flo_comm_check(
        comm,
        MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host),
        "MPI_Comm_split_type");
    flo_comm_check(comm, MPI_Comm_size(host, &ranks), "MPI_Comm_size");
    flo_comm_check(comm, MPI_Comm_free(&host), "MPI_Comm_free");
    return ranks;
}

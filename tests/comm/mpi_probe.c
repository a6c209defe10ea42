/* Messages are measured between the two ranks named, and MPI tells how it waits. */
#include "comm/probe.h"
#include "comm/world.h"

#include <string.h>

/* Every pair in both directions; small ones and some that need a rendezvous. */
static void one_rank_measures(void **state)
{
    flo_comm *const comm = ((const world *)*state)->comm;
    const int size = flo_comm_size(comm), rank = flo_comm_rank(comm);
    static const int64_t bytes[] = {1, 8, 300000};
    for (int i = 0; i < 3; i++)
        for (int left = 0; left < size; left++)
            for (int right = 0; right < size; right++) {
                const double seconds =
                    flo_probe_message(comm, left, right, bytes[i], 2);
                if (rank == left && left != right)
                    assert_true(seconds > 0 && seconds < 60);
                else
                    assert_true(seconds == 0);
            }
}

/* Open MPI reads the variable that the tests set; others have none. */
static void waiting_is_as_asked(void **state)
{
    flo_comm *const comm = ((const world *)*state)->comm;
    const char *const asked = getenv("OMPI_MCA_mpi_yield_when_idle");
    const bool open_mpi = strncmp(flo_comm_library(comm), "Open MPI", 8) == 0;
    const flo_waiting wanted = !open_mpi                          ? FLO_WAITING_UNKNOWN
                               : asked && strcmp(asked, "1") == 0 ? FLO_WAITING_YIELDS
                                                                  : FLO_WAITING_SPINS;
    if (asked || !open_mpi)
        assert_int_equal(flo_probe_waiting(comm), wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_measures),
        cmocka_unit_test(waiting_is_as_asked),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}

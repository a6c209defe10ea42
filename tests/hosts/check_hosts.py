"""Several hosts: the same bits over TCP as on one, also where the network is slow.

Called as: check_hosts.py PROGRAM MPIEXEC.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import rig  # noqa: E402
from runs import prepare, same_runs, train  # noqa: E402
from support import main, require, same  # noqa: E402

# Several buckets on the way at a time.
BUCKETS = ("--set", "comm.bucket_mb=0.001")


def check_same_bits(flotilla):
    """Ranks that share memory on a host or not, hosts with as many of them or not."""
    hosts = rig.Hosts(flotilla)
    prepare(hosts)
    train(hosts, "alone")
    for number, (places, ranks) in enumerate((("h1:1,h2:1,h3:1", 3), ("h1:2,h2:1", 3),
                                              ("h1:2,h2:2", 4))):
        run = f"hosts-{number}"
        result = train(hosts, run, *BUCKETS, ranks=places)
        result.says(f"{ranks} ranks x 1 threads", times=1)
        notes = [line for line in result.err.splitlines() if line.startswith("note: ")
                 and "the flow is worse than a normal" not in line]
        same(notes, [])
        same(hosts.status(run)["host"], "h1", "the host of rank 0")
        same_runs(hosts, run, "alone", places)


def check_ranks_in_turn(flotilla):
    """Ranks that are dealt to hosts in turn share no memory: the same bits, and a note."""
    hosts = rig.Hosts(flotilla)
    prepare(hosts)
    train(hosts, "alone")
    hosts.environment["OMPI_MCA_rmaps_base_mapping_policy"] = "node"
    result = train(hosts, "run", *BUCKETS, ranks="h1:2,h2:1")
    result.says("note: the ranks of a host are not consecutive", times=1)
    result.says("(mpirun --map-by core, srun --distribution=block)", times=1)
    hosts.run("doctor", ranks="h1:2,h2:1").says("sharing    the ranks of a host are not")
    same_runs(hosts, "run", "alone", "in turn")


# Both ranks are process 1, and rank 1 has another file wherever rank 0 may have its memory.
CONTAINER = """#!/bin/bash
if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then
  for file in {3..80}; do
    [ -e /proc/$$/fd/$file ] || eval "exec $file<>$(dirname "$0")/others"
  done
fi
exec unshare --pid --fork --mount-proc %s "$@"
"""


def check_ranks_in_containers(flotilla):
    """Each rank sees its own processes only: what it finds by the other's number is not
    taken for memory that they share."""
    hosts = rig.Hosts(flotilla)
    prepare(hosts)
    train(hosts, "alone")
    hosts.write("others", "left alone")
    hosts.program = hosts.path(hosts.write("container", CONTAINER % flotilla.program))
    os.chmod(hosts.program, 0o755)
    hosts.environment["OMPI_MCA_btl"] = "tcp,self"
    result = train(hosts, "run", *BUCKETS, ranks="h1:2")
    result.says("note: the ranks of a host cannot share 128 bytes of memory: opening that",
                times=1)
    same(hosts.read("others"), "left alone")
    same_runs(hosts, "run", "alone", "in containers")


def check_slow_link(flotilla):
    """Steps that wait for the network take their time: no alarm, the same bits."""
    hosts = rig.Hosts(flotilla)
    prepare(hosts, steps=80)
    train(hosts, "alone")
    rig.slow_link("h2", "1mbit")
    try:
        result = train(hosts, "slow", *BUCKETS, "--set", "comm.timeout_seconds=1",
                       ranks="h1:1,h2:1,h3:1")
    finally:
        rig.mend()
    waited = sum(line["exposed_communication_seconds"] for line in hosts.metrics("slow"))
    require(waited > 1.5, "the link was not slow: steps waited", waited, "s", result)
    same_runs(hosts, "slow", "alone", "over a slow link")


if __name__ == "__main__":
    rig.enter()
    main(globals())

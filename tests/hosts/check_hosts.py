"""Several hosts: the same bits over TCP as on one.

Called as: check_hosts.py PROGRAM MPIEXEC.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import rig  # noqa: E402
from support import main  # noqa: E402
from runs import prepare, same_runs, train  # noqa: E402


def check_same_bits(flotilla):
    hosts = rig.Hosts(flotilla)
    prepare(hosts)
    train(hosts, "alone")
    for number, places in enumerate(("h1:1,h2:1,h3:1", "h1:2,h2:1")):
        train(hosts, f"hosts-{number}", ranks=places)
        same_runs(hosts, f"hosts-{number}", "alone", places)


if __name__ == "__main__":
    rig.enter()
    main(globals())

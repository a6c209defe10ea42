"""Three hosts h1, h2, h3 on one machine, in namespaces (hosts.sh), for the check_*.py beside
this file: `enter` moves a check there; Hosts is the program on them; faults and who is left.

The check itself runs on "head", with mpirun. Everything ends with the check, also if killed.
"""
import os
import signal
import subprocess
import sys
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(FOLDER))
from support import Flotilla, require, same, skip  # noqa: E402

HOSTS = ("h1", "h2", "h3")
UNSHARE = ["unshare", "-n", "-m", "-u", "-p", "-f", "--mount-proc", "--kill-child",
           os.path.join(FOLDER, "hosts.sh")]
INSIDE = "FLOTILLA_HOSTS"


def enter():
    """Runs this program again, on head; skips where the machine does not permit hosts."""
    if INSIDE in os.environ:
        return
    try:
        probe = subprocess.run([*UNSHARE, "true"], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=60)
    except FileNotFoundError as error:
        skip(f"hosts in namespaces: {error}")
    if probe.returncode:
        skip(f"hosts in namespaces (as root, with ip and veth): {probe.stderr.strip()}")
    os.environ[INSIDE] = "1"
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])


class Hosts(Flotilla):
    """The program under mpirun over TCP: `ranks` names hosts and slots, as "h1:2,h3:1"."""

    def __init__(self, flotilla):
        super().__init__(flotilla.program, flotilla.mpiexec, flotilla.folder)
        version = subprocess.run([self.mpiexec, "--version"], capture_output=True, text=True)
        if "open-mpi.org" not in version.stdout:
            skip(f"{self.mpiexec} is not Open MPI's: it takes other options for hosts")
        self.environment.update(
            OMPI_MCA_plm_rsh_agent=os.path.join(FOLDER, "agent.sh"),
            OMPI_MCA_plm_rsh_no_tree_spawn="1",
            # Shared memory within a host only: here all could see it.
            OMPI_MCA_pml="ob1", OMPI_MCA_btl="tcp,vader,self",
            OMPI_MCA_btl_tcp_if_include="10.77.0.0/24",
            OMPI_MCA_oob_tcp_if_include="10.77.0.0/24",
            # As scripts/common.sh has it, only quicker: 2 s of silence.
            OMPI_MCA_oob_tcp_keepalive_time="1", OMPI_MCA_oob_tcp_keepalive_intvl="1",
            OMPI_MCA_oob_tcp_keepalive_probes="1")

    def command(self, arguments, ranks):
        if not isinstance(ranks, str):
            return super().command(arguments, ranks)
        # What changes bits or speed must be the same on all hosts; ssh passes on nothing.
        names = {"OMP_NUM_THREADS", "OPENBLAS_CORETYPE"} & self.environment.keys()
        passed = [word for name in sorted(names) for word in ("-x", name)]
        return [self.mpiexec, "--host", ranks, "--bind-to", "none", *passed, self.program,
                *map(str, arguments)]


def processes(host=None):
    """{process id: name} of a host, or of all hosts, but for the check itself."""
    place = "/proc/self/ns/net" if host == "head" else f"/run/netns/{host}"
    network = os.stat(place).st_ino if host else None
    found = {}
    for word in os.listdir("/proc"):
        if not word.isdigit() or int(word) in (1, os.getpid()):
            continue
        try:
            if host is None or os.stat(f"/proc/{word}/ns/net").st_ino == network:
                with open(f"/proc/{word}/comm") as file:
                    found[int(word)] = file.read().strip()
        except OSError:
            continue  # it ended meanwhile
    return found


def kill(host, name=None, number=signal.SIGKILL):
    """Sends a signal to the processes of that name, or to all, of a host."""
    pids = [pid for pid, found in processes(host).items() if name in (None, found)]
    require(pids, f"no process {name or ''} on {host}:", processes())
    for pid in pids:
        os.kill(pid, number)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def cut_link(host):
    """The host is alone."""
    ip("link", "set", "v" + host[1:], "down")


def cut_path(first, second):
    """Two hosts do not reach each other any more; head reaches both."""
    for host in (first, second):
        ip("link", "set", "v" + host[1:], "type", "bridge_slave", "isolated", "on")


def slow_link(host, rate):
    """What the host sends goes out at this rate, as "100mbit"."""
    ip("netns", "exec", host, "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate,
       "burst", "64kb", "latency", "50ms")


def mend():
    """All links are as they were; nothing runs any more, whatever failed."""
    for host in HOSTS:
        ip("link", "set", "v" + host[1:], "type", "bridge_slave", "isolated", "off")
        ip("link", "set", "v" + host[1:], "up")
        ip("netns", "exec", host, "tc", "qdisc", "replace", "dev", "eth0", "root", "noqueue")
    for pid in processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait_until_alone(seconds, *what):
    """Until no process is left on any host, nor on head; fails after seconds."""
    until = time.monotonic() + seconds
    while processes() and time.monotonic() < until:
        time.sleep(0.01)
    same(processes(), {}, *what, f"processes left behind after {seconds} s:")

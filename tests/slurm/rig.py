"""A Slurm of its own for a check: nodes in network namespaces, jobs by sbatch.

Everything lives in namespaces that begin with the check and end with it, however it ends: all
processes are below one process that dies with the check, all files are in a tmpfs that only
they see. Nothing of the machine's own Slurm, munge or network is touched.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from support import main, require, skip

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun", "ip", "unshare", "nsenter")
INSIDE = "FLOTILLA_SLURM_INSIDE"
HOME = "/run/slurm"      # configuration, logs, spool; for all nodes
SHARED = "/run/shared"   # where jobs work: a file system that all nodes mount
PRIVATE = "/run/private"  # what /tmp is on a real node: another one on each
HEAD = "10.77.0.254"

# What every site below has in common. Without cred_expire a job that is queued again would
# wait for two minutes. The machine may have fewer CPUs than a node here says.
CONFIG = """
ClusterName=check
SlurmctldHost=head
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,defer_batch
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/%n/slurmd.pid
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/%n/spool
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/%n/slurmd.log
"""


def enter():
    """Goes on in namespaces of its own: returns in a new process there. Skips the check
    where that cannot be."""
    if os.environ.get(INSIDE):
        return reap_all_but_this()
    missing = [name for name in PROGRAMS if not find(name)]
    if os.geteuid() != 0:
        skip("a Slurm of its own needs root, for namespaces")
    if missing:
        skip(f"no {', '.join(missing)}: scripts/setup --all installs them")
    namespaces = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork",
                  "--kill-child", "--mount-proc"]
    if subprocess.run(namespaces + ["true"], capture_output=True).returncode:
        skip("the kernel gives no namespaces here (unshare fails)")
    os.environ[INSIDE] = "1"
    sys.stdout.flush()
    os.execvp("unshare", [*namespaces, sys.executable, *sys.argv])


def reap_all_but_this():
    """Forks: the parent is init of the process namespace, and ends it when the child ends."""
    child = os.fork()
    if child == 0:
        return
    while True:
        process, status = os.wait()
        if process == child:
            os._exit(os.waitstatus_to_exitcode(status) & 255)


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def call(*command, **options):
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    require(done.returncode == 0, " ".join(command), "exited with", done.returncode, done.stdout)
    return done.stdout


def until(seconds, test, *what, pause=0.1):
    """Polls test() until it gives something true, which it returns."""
    end = time.monotonic() + seconds
    while True:
        found = test()
        if found:
            return found
        require(time.monotonic() < end, "not within", seconds, "s:",
                *(part() if callable(part) else part for part in what))
        time.sleep(pause)


def main_on(nodes, settings, checks):
    """main(checks) on a cluster of nodes n0, n1 ... with as many CPUs each as are named.

    settings: more lines of slurm.conf, partitions among them. Jobs take small nodes first."""
    enter()
    names = {f"n{number}": cpus for number, cpus in enumerate(nodes)}
    give_private_files(names)
    give_network(names)
    configure(names, settings)
    start_daemons(names)
    main(checks)


def give_private_files(names):
    call("mount", "--make-rprivate", "/")
    for place in ("/run", "/dev/shm"):
        call("mount", "-t", "tmpfs", "tmpfs", place)
    for place in (SHARED, PRIVATE, "/run/munge", "/run/netns",
                  *(f"{HOME}/{name}/spool" for name in names)):
        os.makedirs(place)
    tempfile.tempdir = SHARED


def give_network(names):
    """Slurm and Open MPI resolve names to addresses that are not the loopback's."""
    call("hostname", "head")
    call("ip", "link", "set", "lo", "up")
    call("ip", "link", "add", "br0", "type", "bridge")
    call("ip", "addr", "add", f"{HEAD}/24", "dev", "br0")
    call("ip", "link", "set", "br0", "up")
    hosts = f"127.0.0.1 localhost\n{HEAD} head\n"
    for number, name in enumerate(names, 1):
        call("ip", "netns", "add", name)
        call("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0",
             "netns", name)
        call("ip", "link", "set", f"to-{name}", "master", "br0", "up")
        for words in (("link", "set", "lo", "up"), ("link", "set", "eth0", "up"),
                      ("addr", "add", f"10.77.0.{number}/24", "dev", "eth0")):
            call("ip", "-n", name, *words)
        hosts += f"10.77.0.{number} {name}\n"
    with open(f"{HOME}/hosts", "w") as file:
        file.write(hosts)
    call("mount", "--bind", f"{HOME}/hosts", "/etc/hosts")


def configure(names, settings):
    nodes = "".join(f"NodeName={name} CPUs={cpus} Weight={cpus} State=UNKNOWN\n"
                    for name, cpus in names.items())
    for name, text in (("slurm.conf", CONFIG.format(home=HOME) + settings + nodes),
                       ("mpi.conf", f"PMIxCliTmpDirBase={PRIVATE}\n")):
        with open(f"{HOME}/{name}", "w") as file:
            file.write(text)
    os.environ["SLURM_CONF"] = f"{HOME}/slurm.conf"


def start_daemons(names):
    with open(f"{HOME}/munge.key", "wb") as file:
        file.write(os.urandom(128))
    os.chmod(f"{HOME}/munge.key", 0o400)
    start("munged", "--foreground", f"--key-file={HOME}/munge.key",
          f"--log-file={HOME}/munged.log", f"--pid-file={HOME}/munged.pid",
          f"--seed-file={HOME}/munged.seed")
    until(20, lambda: os.path.exists("/run/munge/munge.socket.2"), "munged is up", logs)
    start("slurmctld", "-D", "-c")
    for name in names:
        start_node(name)
    until(60, lambda: idle_nodes() == len(names), "all nodes are idle", logs)


def start_node(name):
    """Starts slurmd in the network, and with the private files, of that node."""
    start("nsenter", f"--net=/run/netns/{name}", "unshare", "--uts", "--mount", "sh", "-c",
          f"hostname {name}; mount -t tmpfs tmpfs {PRIVATE}; mount -t tmpfs tmpfs /dev/shm;"
          f" exec {find('slurmd')} -D -N {name}")


def processes_on(node, name=None):
    """The ids of all processes in the network of that node, or of those with that name."""
    found = [int(word) for word in call("ip", "netns", "pids", node).split()]
    return [process for process in found if name in (None, name_of(process))]


def name_of(process):
    try:
        with open(f"/proc/{process}/comm") as file:
            return file.read().strip()
    except OSError:
        return None  # it has ended


def kill_node(node):
    """Kills all that runs there at once, as a loss of power does."""
    for process in processes_on(node):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


def start(name, *arguments):
    """A daemon; it ends with the process namespace."""
    with open(f"{HOME}/daemons.out", "ab") as out:
        subprocess.Popen([find(name), *arguments], stdin=subprocess.DEVNULL, stdout=out,
                         stderr=out, start_new_session=True)


def idle_nodes():
    done = subprocess.run(["sinfo", "-h", "-N", "-o", "%N %T"], capture_output=True, text=True)
    return len({line for line in done.stdout.splitlines() if line.endswith(" idle")})


def logs():
    """The last lines of what the daemons said."""
    text = ""
    for place, _, names in os.walk(HOME):
        for name in sorted(names):
            if name.endswith((".log", ".out")):
                with open(os.path.join(place, name), errors="replace") as file:
                    lines = file.read().splitlines()[-25:]
                text += f"--- {place}/{name}\n" + "\n".join(lines) + "\n"
    return text

"""Runs as jobs of the Slurm that rig.py starts: submitted, stopped, resumed, compared."""
import json
import os

from rig import PRIVATE, call, until
from runs import same_runs
from support import normal_rows, require, same

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts")
SCRIPT = {"srun": "train.sbatch", "mpirun": "train_mpirun.sbatch"}
PREEMPTED = {"srun": "n2", "mpirun": "n3"}  # the nodes of the partitions low and urgent

# The schedule does not depend on the number of steps, which is cut when a run was stopped.
CONFIG = """
run: {directory: run, seed: 5, threads: 1}
data: {files: [data.h5], validation: 0.1, test: test}
preprocess: [{kind: standardize}]
flow:
  layers:
    - {kind: permutation}
    - {kind: lu_linear}
    - {kind: affine_coupling, hidden: [24, 24], dropout: 0.1}
train: {batch: 100, lanes: 6, steps: %d, learning_rate: 1e-3, average: 0.95,
        schedule: constant}
checkpoint: {every: 200, keep: 3}
report: {every: 50, validate_every: 500, samples: 50}
"""
ENDLESS = 100000000


def prepare(flotilla):
    flotilla.data("data.h5", {"train": normal_rows(1234, 6, seed=1),
                              "test": normal_rows(300, 6, seed=2)})


def write_config(flotilla, steps, name="config.yaml"):
    flotilla.write(name, CONFIG % steps)


class Job:
    """A batch job: the words of an sbatch command, run in the folder of flotilla."""

    def __init__(self, flotilla, *words, program=None):
        self.flotilla = flotilla
        environment = dict(flotilla.environment, TMPDIR=PRIVATE,
                           FLOTILLA=program or flotilla.program)
        self.id = call("sbatch", "--parsable", "--output=out-%j.txt", *words,
                       cwd=flotilla.folder, env=environment).strip()

    @classmethod
    def train(cls, flotilla, launcher, *options, sbatch=(), config="config.yaml", **more):
        """scripts/train.sbatch or its twin, on two ranks."""
        return cls(flotilla, "--nodes=1", "--ntasks-per-node=2", "--time=10", *sbatch,
                   os.path.join(SCRIPTS, SCRIPT[launcher]), config, *options, **more)

    def info(self, task=None):
        """What scontrol shows of it, or of one task of its array."""
        name = self.id if task is None else f"{self.id}_{task}"
        text = call("scontrol", "show", "job", "-o", name)
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def wait(self, state, task=None, seconds=200):
        """Until it is in that state; what scontrol shows then."""
        def reached():
            info = self.info(task)
            return info if info["JobState"] == state else None
        return until(seconds, reached, "state", state, "of job", self.id, self.tell, pause=0.5)

    def output(self):
        text = ""
        for name in sorted(os.listdir(self.flotilla.folder)):
            if name.startswith("out-"):
                text += f"--- {name}\n" + self.flotilla.read(name)
        return text

    def tell(self):
        states = call("scontrol", "show", "job", "-o", self.id)
        return f"\n{states}{self.output()}"

    def says(self, *words):
        text = self.output()
        for word in words:
            require(word in text, f"{word!r} is not in", text)


def wait_for_training(flotilla, job, run="run"):
    """Until the run has written a line of metrics: it trains, and its handlers stand."""
    path = flotilla.path(run, "metrics.jsonl")
    until(150, lambda: os.path.exists(path) and os.path.getsize(path), "a line of", path,
          job.tell)


def wait_for_checkpoint(flotilla, job):
    folder = flotilla.path("run", "checkpoints")
    until(150, lambda: os.path.isdir(folder) and
          any(name.startswith("step-") and name.endswith(".h5") for name in os.listdir(folder)),
          "a checkpoint", job.tell)


def newest_step(flotilla):
    """The last that metrics.jsonl tells of, whose last line may be torn."""
    lines = flotilla.read("run", "metrics.jsonl").split("\n")
    return json.loads(lines[-2])["step"]


def wait_for_status(flotilla, job, state, run="run"):
    """Until status.json says so; gives the step."""
    until(150, lambda: flotilla.status(run)["state"] == state, f"{run} is {state}", job.tell)
    return flotilla.status(run)["step"]


def same_as_uninterrupted(flotilla, run="run", *options, config="config.yaml"):
    """The run, finished by now, is the one that the program makes without Slurm."""
    flotilla.run("train", config, *options, "--set", f"run.directory={run}-whole")
    same_runs(flotilla, run, f"{run}-whole", flotilla.folder)


def finish_resumed(flotilla, job, step, restarts=1):
    """Lets a run that was stopped at `step`, and whose job waits in the queue, end soon
    after; it must then be the one never stopped."""
    write_config(flotilla, step + 20)
    info = job.wait("COMPLETED")
    same((info["ExitCode"], info["Restarts"]), ("0:0", str(restarts)), job.tell())
    same(flotilla.status("run")["state"], "finished", job.tell())
    same(flotilla.status("run")["step"], step + 20, job.tell())
    job.says(f"at step {step}")
    same_as_uninterrupted(flotilla)


def preempt_and_finish(flotilla, launcher):
    """A run in the partition low of the sites, in the way of a job in urgent. Gives its job."""
    write_config(flotilla, ENDLESS)
    node = f"--nodelist={PREEMPTED[launcher]}"
    job = Job.train(flotilla, launcher, sbatch=("--partition=low", node))
    wait_for_training(flotilla, job)
    urgent = Job(flotilla, "--partition=urgent", node, "--ntasks=2", "--wrap=sleep 1")
    finish_resumed(flotilla, job, wait_for_status(flotilla, job, "stopped"))
    urgent.wait("COMPLETED")
    return job

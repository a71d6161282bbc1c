"""The examples for SLURM, Kubernetes and Ray, as far as they run without these systems."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cornu.distribution.job.clusters import Member, find_member
from tests.processes import ROOT

FOLDER = ROOT / "examples" / "distribution"
ACCURACY = re.compile(r"Test accuracy: (0\.\d+)")

# Starts its arguments as the tasks of a job, with the variables that SLURM sets in a step.
SRUN = """#!{python}
import os, subprocess, sys
count = int(os.environ["SLURM_NTASKS"])
command = [part for part in sys.argv[1:] if not part.startswith("--kill-on-bad-exit")]
base = {{
    "SLURM_JOB_ID": str(os.getpid()),
    "SLURM_STEP_NODELIST": "localhost",
    "SLURM_STEP_NUM_NODES": "1",
}}
tasks = [
    subprocess.Popen(
        command, env={{**os.environ, **base, "SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)}}
    )
    for i in range(count)
]
sys.exit(max(abs(task.wait()) for task in tasks))
"""


@pytest.mark.slow
def test_slurm(tmp_path):
    """`slurm.sh` with a program in place of `srun`; JAX reads the variables."""
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "srun").write_text(SRUN.format(python=sys.executable))
    (bin / "srun").chmod(0o755)
    (bin / "python").symlink_to(sys.executable)
    done = subprocess.run(
        ["bash", FOLDER / "slurm.sh", "--folder", tmp_path / "run", "--epochs", "2"],
        cwd=FOLDER,
        env={
            **os.environ,
            "PATH": f"{bin}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}:{os.pathsep.join(sys.path)}",
            "SLURM_NTASKS": "2",
            "SLURM_SUBMIT_DIR": str(FOLDER),
            "JAX_NUM_CPU_DEVICES": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    accuracies = ACCURACY.findall(done.stdout)
    assert len(accuracies) == 2 and len(set(accuracies)) == 1 and float(accuracies[0]) > 0.7
    # One process writes, and prints the progress.
    assert (tmp_path / "run" / "digits.keras").is_file()
    assert done.stdout.count("Epoch 2/2") == 1


def test_kubernetes():
    """The variables of the pods of `jobset.yaml`; the manifest has not been applied."""
    job = yaml.safe_load((FOLDER / "jobset.yaml").read_text())
    (workers,) = job["spec"]["replicatedJobs"]
    batch = workers["template"]["spec"]
    (container,) = batch["template"]["spec"]["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    name = f"{job['metadata']['name']}-{workers['name']}-0"
    for index in range(batch["parallelism"]):
        # What Kubernetes sets in the pods of an indexed Job.
        pod = {"JOB_COMPLETION_INDEX": str(index), "HOSTNAME": f"{name}-{index}"}
        member = find_member({**variables, **pod})
        assert member == Member(f"{name}-0.{job['metadata']['name']}:1234", 4, index)
    assert batch["completionMode"] == "Indexed" and batch["completions"] == 4
    assert container["command"][1] == "train.py" and (FOLDER / "train.py").is_file()


def test_ray(tmp_path):
    """Needs Ray, which is not among the libraries that the tests install."""
    pytest.importorskip("ray", reason="needs pip install 'cornu[ray]'")
    done = subprocess.run(
        [sys.executable, "ray_train.py", "--folder", tmp_path, "--epochs", "2"],
        cwd=FOLDER,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    reported = re.findall(r"metrics=\{'accuracy': (0\.\d+)\}", done.stdout + done.stderr)
    assert len(reported) == 2 and len(set(reported)) == 1
    assert (Path(tmp_path) / "digits.keras").is_file()

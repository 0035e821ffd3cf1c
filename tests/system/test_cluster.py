"""Which launcher is recognised, and that one process needs none of this. Several: tests/experiments."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
from scripting import ROOT, free_port

from tl_jax.errors import InputError
from tl_jax.system import cluster

SLURM = {"SLURM_NTASKS": "4", "SLURM_LOCALID": "0", "SLURM_STEP_NODELIST": "n[1-4]"}


@pytest.mark.parametrize(
    ("environment", "launcher"),
    [
        ({}, None),
        (SLURM, "slurm"),
        ({**SLURM, "SLURM_NTASKS": "1"}, None),  # one task needs no partner
        ({"SLURM_NTASKS": "4"}, None),  # inside a batch script, outside of srun
        ({"OMPI_COMM_WORLD_SIZE": "2"}, "ompi"),
        ({"OMPI_COMM_WORLD_SIZE": "1"}, None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"}, "k8s"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, None),  # a pod that is no indexed job
    ],
)
def test_launchers_are_recognised(environment, launcher):
    assert cluster.detected(environment) == launcher


def test_one_process_is_alone(monkeypatch):
    for name in (*SLURM, "OMPI_COMM_WORLD_SIZE", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    assert not cluster.join()
    assert not cluster.several()
    assert cluster.is_first()
    assert cluster.agree({"a": [1]}) == {"a": [1]}
    arrays = {"a": np.arange(3)}
    assert cluster.agree_arrays(arrays) is arrays
    np.testing.assert_array_equal(cluster.whole(jax.numpy.arange(3)), np.arange(3))
    cluster.barrier("alone")


SLOW_TO_END = """
import sys, time
from experiments import _command
from tl_jax.system import cluster
port, process, slow = sys.argv.pop(), int(sys.argv.pop()), int(sys.argv.pop())

def main():
    cluster.join(f"localhost:{port}", 2, process)
    cluster.barrier("written")
    time.sleep(3 if process == slow else 0)
    print("done")

_command.run(main)
"""


@pytest.mark.parametrize("slow", [0, 1])
def test_processes_that_end_one_after_the_other_all_end_well(slow):
    """The one that keeps the shared store used to go first, and jax aborted the other."""
    command, port = [sys.executable, "-c", SLOW_TO_END, str(slow)], free_port()
    options = {"env": {**os.environ, "PYTHONPATH": str(ROOT)}, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    pair = [subprocess.Popen([*command, str(k), str(port)], **options) for k in (0, 1)]
    said = [process.communicate(timeout=120) for process in pair]
    assert [process.returncode for process in pair] == [0, 0], said
    assert all(b"done" in out for out, _ in said)


@pytest.mark.parametrize(
    "given",
    [("localhost:1", None, None), (None, 2, 0), ("localhost", 2, 0), ("localhost:1", 2, 2), ("localhost:1", 2, -1)],
)
def test_half_an_address_is_refused(given):
    with pytest.raises(InputError, match="--coordinator"):
        cluster.join(*given)

"""Which launcher is recognised, and that one process needs none of this. Several: tests/experiments."""

import jax
import numpy as np
import pytest

from tl_jax import cluster
from tl_jax.errors import InputError

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


@pytest.mark.parametrize(
    "given",
    [("localhost:1", None, None), (None, 2, 0), ("localhost", 2, 0), ("localhost:1", 2, 2), ("localhost:1", 2, -1)],
)
def test_half_an_address_is_refused(given):
    with pytest.raises(InputError, match="--coordinator"):
        cluster.join(*given)

"""Several processes, on one machine or many, as one study.

Every process runs the same script; the run axis is spread over all their devices. Process 0 alone writes tables.
What a process decides from a file, it decides as process 0 does (`agree`), so that all take the same path.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

import jax
import numpy as np
from jax.experimental import multihost_utils

from tl_jax.errors import InputError
from tl_jax.system.parts import pack, unpack

# A process that shows no sign of life for this long counts as dead.
SILENCE = 30.0
BEAT = 3.0


def detected(environment: Mapping[str, str] = os.environ) -> str | None:
    """The launcher whose variables this process carries, for more than one process: slurm, ompi, k8s; or None."""

    def number(name):
        value = environment.get(name, "")
        return int(value) if value.isdigit() else 0

    if number("SLURM_NTASKS") > 1 and "SLURM_LOCALID" in environment and "SLURM_STEP_NODELIST" in environment:
        return "slurm"
    if number("OMPI_COMM_WORLD_SIZE") > 1:
        return "ompi"
    if "KUBERNETES_SERVICE_HOST" in environment and "JOB_COMPLETION_INDEX" in environment:
        return "k8s"
    return None


def join(coordinator: str | None = None, processes: int | None = None, process: int | None = None) -> bool:
    """Join the other processes, if there are any; before any array exists. Returns whether there are several.

    coordinator: host:port of process 0; with processes and process all three are needed. Without them a SLURM step,
    an Open MPI run or an indexed Kubernetes job is recognised by its environment.
    """
    given = [coordinator, processes, process]
    if any(v is not None for v in given) and any(v is None for v in given):
        raise InputError("--coordinator, --processes and --process belong together: give all three or none")
    method = None if coordinator else detected()
    if coordinator is None and method is None:
        return False
    if coordinator is not None and (not 0 <= process < processes or ":" not in coordinator):
        raise InputError(
            f"--coordinator={coordinator} needs host:port, and --process={process} must be below --processes"
        )
    # A peer that dies must not abort this process: `watch` ends it with one line. Where process 0 dies, jax aborts all
    # the same, unless an exchange fails first (docs/cluster.md has the figures).
    jax.config.update("jax_enable_recoverability", True)
    try:
        jax.distributed.initialize(
            coordinator, processes, process, cluster_detection_method=method or "deactivate", initialization_timeout=60
        )
    except Exception as error:  # gRPC's and the launchers' own kinds
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        where = coordinator or f"the {method} launcher"
        raise InputError(f"could not join the other processes by way of {where} within a minute: {first}") from error
    if jax.process_count() > 1:
        threading.Thread(target=watch, daemon=True).start()
    return jax.process_count() > 1


def several() -> bool:
    return jax.process_count() > 1


def is_first() -> bool:
    """Whether this process writes the tables."""
    return jax.process_index() == 0


def agree(value):
    """Process 0's JSON-able value in every process."""
    if not several():
        return value
    text = json.dumps(value).encode() if is_first() else b""
    return json.loads(spread(text).decode())


def agree_arrays(arrays: dict[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    """Process 0's named arrays in every process; the others may pass None."""
    if not several():
        return arrays
    return unpack(spread(pack(arrays) if is_first() else b""))


def spread(data: bytes) -> bytes:
    """Process 0's bytes in every process."""
    size = int(multihost_utils.broadcast_one_to_all(np.asarray(len(data), np.int32)))
    buffer = np.frombuffer(data, np.uint8) if is_first() else np.zeros(size, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(buffer)).tobytes()


def barrier(name: str) -> None:
    """Wait until every process has come here."""
    if several():
        multihost_utils.sync_global_devices(name)


def whole(array: jax.Array) -> np.ndarray:
    """An array spread over all processes, complete on the host of each."""
    if array.is_fully_addressable:
        return np.asarray(array)
    return np.asarray(multihost_utils.process_allgather(array, tiled=True))


def shared_store():
    """The processes' shared keys and values, kept by process 0."""
    from jax._src.distributed import global_state  # the only door to it

    return global_state.client


def part() -> None:
    """At the end of the work process 0 waits until the others are about to end, which they must do at once.

    It keeps the shared store: a process that is still there when it goes is aborted by jax.
    """
    if not several():
        return
    if not is_first():
        shared_store().key_value_set(f"tl_jax/left/{jax.process_index()}", "yes")
        return
    for k in range(1, jax.process_count()):
        with suppress(Exception):  # gRPC's own kinds; whoever does not answer now has written nothing anyway
            shared_store().blocking_key_value_get(f"tl_jax/left/{k}", int(SILENCE / 2 * 1000))
    time.sleep(0.5)


def watch() -> None:
    """Tell the others that this process lives, and end it with one line once one of them does not."""
    store, own, count = shared_store(), jax.process_index(), jax.process_count()
    seen = {k: ("", time.monotonic()) for k in range(count) if k != own}
    turn, failed_since = 0, None
    while True:
        try:
            store.key_value_set(f"tl_jax/beat/{own}", str(turn := turn + 1), allow_overwrite=True)
            beats = dict(store.key_value_dir_get("tl_jax/beat/"))
            failed_since = None
        except Exception:  # the coordinator, which is process 0, does not answer
            failed_since = failed_since or time.monotonic()
            beats = {}
        now = time.monotonic()
        for k, (last, when) in seen.items():
            beat = next((value for key, value in beats.items() if key.endswith(f"/{k}")), last)
            seen[k] = (beat, now) if beat != last else (last, when)
        lost = [k for k, (_, when) in seen.items() if now - when > SILENCE]
        if failed_since is not None and now - failed_since > 2 * BEAT:
            lost = [0]
        if lost:
            give_up(f"process {lost[0]} has ended or cannot be reached")
        time.sleep(BEAT)


def give_up(reason: str, code: int = 2) -> None:
    """End this process at once with one line; waiting for peers at exit, as jax does, could take minutes."""
    remedy = "finished parts are kept: start all processes again with --resume"
    print(f"error: process {jax.process_index()}: {reason}; {remedy}", file=sys.stderr, flush=True)
    os._exit(code)

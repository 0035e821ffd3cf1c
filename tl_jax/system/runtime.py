"""The only place that touches jax's configuration, devices and versions."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zlib import crc32

import jax
import numpy as np

from tl_jax.system.files import cache_folder

# Where a container's limit on memory and its use stand (versions 2 and 1 of control groups).
CONTROL_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
PACKAGES = ("tl_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "pandas", "scikit-learn", "scipy")


def configure(cache_dir: str | Path | None = None) -> Path | None:
    """Set jax up for an experiment: the persistent compilation cache in a user cache directory.

    cache_dir: another folder; the environment variable TLJAX_CACHE likewise; "off" in it turns the cache off.
    Returns the folder in use. Programs are kept apart by processor: one compiled for another may crash.
    Every core becomes a CPU device of its own, unless the user's environment says how many: small runs keep their
    state in a core's cache and need not share out each tiny step.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ and "xla_force_host_platform" not in os.environ.get("XLA_FLAGS", ""):
        with suppress(RuntimeError):  # jax is already at work, in a notebook say: its devices stay as they are
            jax.config.update("jax_num_cpu_devices", cores())
    folder = str(cache_dir or os.environ.get("TLJAX_CACHE", cache_folder()))
    if folder == "off":
        return None
    own = Path(folder) / processor()
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError:  # a read-only home costs the cache, not the experiment
        return None
    jax.config.update("jax_compilation_cache_dir", str(own))
    # Programs that compile in less than jax's default of one second still add up to most of a warm start.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    return own


def processor() -> str:
    """A short name for what this machine's processor can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next(line for line in lines if line.lower().startswith(("flags", "features")))
    except (OSError, StopIteration):
        features = platform.processor()
    return f"{platform.machine()}-{crc32(features.encode()):08x}"


def versions() -> dict[str, str]:
    """Versions of Python and of every package that can change a number."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def device() -> dict[str, str | int]:
    """The device that computes, in words, and how many of them there are."""
    devices = jax.devices()
    return {"platform": devices[0].platform, "kind": devices[0].device_kind, "count": len(devices)}


def default_sharding() -> jax.sharding.Sharding:
    """Where arrays go by default: this process's first device."""
    return jax.sharding.SingleDeviceSharding(jax.local_devices()[0])


@cache
def compile_options(platform: str) -> dict[str, str | int]:
    """Options for the compiler of a run's program; those that this version of jax refuses are left out."""
    wanted = {"xla_cpu_prefer_vector_width": 512} if platform == "cpu" else {}
    return {name: value for name, value in wanted.items() if accepted(name, value)}


def accepted(name: str, value) -> bool:
    """Whether the compiler knows an option, tried on the smallest program."""
    try:
        jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options={name: value})
    except Exception:  # the compiler's way of saying no differs between versions
        return False
    return True


def run_mesh(devices) -> jax.sharding.Mesh:
    """Devices as one mesh axis named "runs", left to the compiler ("Auto"): flax cannot work under an explicit one."""
    return jax.sharding.Mesh(np.asarray(devices), ("runs",), axis_types=(jax.sharding.AxisType.Auto,))


def free_memory(device: jax.Device | None = None) -> int:
    """Bytes that are still free: of an accelerator's own memory, or of this machine's, whichever the device uses."""
    device = device or jax.local_devices()[0]
    if device.platform != "cpu":
        stats = device.memory_stats() or {}
        return int(stats.get("bytes_limit", 8 * 2**30) - stats.get("bytes_in_use", 0))
    found = [machine_free(), *control_group_free()]
    return max(0, min(found))


def machine_free() -> int:
    """MemAvailable of /proc/meminfo, or where there is none a cautious 4 GiB."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 4 * 2**30


def control_group_free() -> list[int]:
    """What the container's own limit leaves, where it has one."""
    found = []
    for limit, used in CONTROL_GROUPS:
        try:
            found.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # absent, or "max"
            continue
    return found


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

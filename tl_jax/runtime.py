"""The only place that touches jax's configuration, devices and versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zlib import crc32

import jax

PACKAGES = ("tl_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "pandas", "scikit-learn", "scipy")


def configure(cache_dir: str | Path | None = None) -> Path | None:
    """Set jax up for an experiment: the persistent compilation cache in a user cache directory.

    cache_dir: another folder; the environment variable TLJAX_CACHE likewise; "off" in it turns the cache off.
    Returns the folder in use. Programs are kept apart by processor: one compiled for another may crash.
    """
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tl_jax"
    folder = str(cache_dir or os.environ.get("TLJAX_CACHE", default))
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
    """Where arrays go by default: the first device."""
    return jax.sharding.SingleDeviceSharding(jax.devices()[0])


def accelerator_memory() -> int | None:
    """Bytes of the first device's own memory, or None on a CPU."""
    first = jax.devices()[0]
    if first.platform == "cpu":
        return None
    return int((first.memory_stats() or {}).get("bytes_limit", 8 * 2**30))

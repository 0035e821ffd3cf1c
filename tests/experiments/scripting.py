"""Scripts as processes: what the tests of experiments share."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / ".pytest_cache" / "programs"  # compiled once for all tests
TABLES = ("metrics.csv", "comparisons.csv", "predictions.csv", "history.csv", "gene_weights.csv")


def start(name, *arguments, folder, **environment):
    """A script begun in `folder`."""
    own = {"PYTHONPATH": str(ROOT), "TLJAX_CACHE": str(PROGRAMS), "TLJAX_DATA": "", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", f"experiments.{name}", *arguments],
        cwd=folder,
        env={**os.environ, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def script(name, *arguments, folder, **environment):
    """Run a script in `folder`; (exit code, standard output, standard error)."""
    process = start(name, *arguments, folder=folder, **environment)
    out, err = process.communicate()
    return process.returncode, out, err


def tables(folder):
    """{table: its bytes} of a finished experiment."""
    return {name: (folder / name).read_bytes() for name in TABLES}


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]

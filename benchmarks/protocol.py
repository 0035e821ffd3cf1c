"""The parent's hold on the process of one side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.problem import Problem
from benchmarks.sides import SIDES
from tl_jax.system.runtime import cores

ROOT = Path(__file__).resolve().parents[1]
# Settings of the user's shell that would make one side differ from what the report says.
LEFT_OUT = ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES", "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_X64", "TLJAX_CACHE")
LEFT_OUT += ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
CPU_ONLY = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true", "PYTHONUNBUFFERED": "1"}


class WorkerError(RuntimeError):
    """A side failed; the message is one line."""


class Worker:
    """Context manager: a side's process, of the parent's own process group. cpu: keep it off accelerators."""

    def __init__(self, side: str, *, cpu: bool = True):
        kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        path = os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
        own = {**QUIET, **(CPU_ONLY if cpu else {}), **SIDES[side].environment, "PYTHONPATH": path}
        self._chatter = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", f"--side={side}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._chatter,
            env={**kept, **own},
            text=True,
        )
        self.start_mib: float | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.communicate()
        self._chatter.close()

    def prepare(self, problem: Problem, **options) -> None:
        """Wait until the side's libraries are loaded, then let it build everything that is not measured."""
        self.start_mib = self._answer()["start_mib"]
        self._ask(do="prepare", problem=problem.as_dict(), cores=cores(), options=options)

    def measure(self) -> dict:
        """One measurement; the numbers that the side returns."""
        return self._ask(do="measure")

    def _ask(self, **request) -> dict:
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        return self._answer()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(" ".join(answer["error"].split()))
        return answer

    def _last_words(self) -> str:
        """Why the process is gone: the last line that it wrote to standard error."""
        code = self._process.wait()
        self._chatter.seek(0)
        lines = [line for line in self._chatter.read().decode(errors="replace").splitlines() if line.strip()]
        return f"the process ended with code {code}" + (f": {lines[-1].strip()}" if lines else "")

"""Scripts as processes: what the tests of experiments share."""

import atexit
import contextlib
import importlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import warnings
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / ".pytest_cache" / "programs"  # compiled once for all tests
TABLES = ("metrics.csv", "comparisons.csv", "predictions.csv", "history.csv", "gene_weights.csv")
NO_PICTURES = "TLJAX_TESTS_NO_PICTURES"  # read by zygote.py
OWN = {"PYTHONPATH": str(ROOT), "TLJAX_CACHE": str(PROGRAMS), "TLJAX_DATA": "", "PYTHONUNBUFFERED": "1"}


@cache
def zygote() -> socket.socket:
    """Where to ask for scripts: a process of this session that has imported the libraries (see zygote.py)."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py")), str(there.fileno())],
            env={**os.environ, **OWN},
            stdin=subprocess.DEVNULL,
            pass_fds=[there.fileno()],
        )

    def end():
        here.close()
        server.wait(10)

    atexit.register(end)
    return here


class Forked:
    """A script begun by the zygote; of subprocess.Popen what tests need."""

    spent = 0.0  # seconds of processor time of all that have ended

    def __init__(self, module, arguments, folder, environment):
        self.returncode, self.texts = None, [b"", b""]
        self.ends, given = map(list, zip(*(os.pipe() for _ in range(3)), strict=True))
        what = {"module": module, "arguments": arguments, "folder": str(folder), "environment": environment}
        socket.send_fds(zygote(), [json.dumps(what).encode()], given)
        for end in given:
            os.close(end)
        self.said = os.read(self.ends[2], 100)
        self.pid, _, self.said = self.said.partition(b"\n")
        self.pid = int(self.pid)

    def poll(self, wait=0.0):
        """The exit code, or None where the script is still at work after `wait` seconds."""
        if self.returncode is None and select.select([self.ends[2]], [], [], wait)[0]:
            self.said += os.read(self.ends[2], 100)
            code, seconds = self.said.split()
            self.returncode = int(code)
            Forked.spent += float(seconds)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def communicate(self, timeout=None):
        """(standard output, standard error), once the script has ended."""
        until = None if timeout is None else time.monotonic() + timeout
        while reading := [end for end in self.ends[:2] if end is not None]:
            left = None if until is None else max(0.0, until - time.monotonic())
            ready, _, _ = select.select(reading, [], [], left)
            if not ready:
                raise subprocess.TimeoutExpired("script", timeout)
            for end in ready:
                self.read(self.ends.index(end))
        self.poll(None)
        return tuple(text.decode() for text in self.texts)

    def read(self, which):
        piece = os.read(self.ends[which], 1 << 16)
        self.texts[which] += piece
        if not piece:
            os.close(self.ends[which])
            self.ends[which] = None


def start(name, *arguments, folder, pictures=False, **environment):
    """A script begun in `folder`, as a process of its own that can be killed.

    pictures: whether it can draw; most of a small study's time goes into pictures that its test does not look at.
    """
    drawing = {} if pictures else {NO_PICTURES: "1"}
    return Forked(f"experiments.{name}", arguments, folder, {**os.environ, **OWN, **drawing, **environment})


def ended(process, within: float | None) -> bool:
    """Whether a script ended well within so many seconds (None: however long it takes); else it is killed without
    warning."""
    try:
        _, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return False
    assert process.returncode == 0, err
    return True


def forked(name, *arguments, folder, pictures=False, **environment):
    """Run a script as a process of its own; (exit code, standard output, standard error)."""
    process = start(name, *arguments, folder=folder, pictures=pictures, **environment)
    out, err = process.communicate()
    return process.returncode, out, err


def script(name, *arguments, folder, pictures=False, **environment):
    """Run a script in this process as if begun in `folder`; (exit code, standard output, standard error).

    What it compiles serves the next test too. Devices are those of the tests: `forked` can have others.
    """
    out, err = io.StringIO(), io.StringIO()
    with ExitStack() as as_begun:
        as_begun.enter_context(patch.dict(os.environ, {**OWN, **environment}))
        as_begun.enter_context(contextlib.chdir(folder))
        as_begun.enter_context(patch.object(sys, "argv", [name]))
        as_begun.enter_context(warnings.catch_warnings())
        as_begun.enter_context(own_functions())
        if not pictures:
            as_begun.enter_context(without("matplotlib"))
        as_begun.enter_context(contextlib.redirect_stdout(out))
        as_begun.enter_context(contextlib.redirect_stderr(err))
        code = importlib.import_module(f"experiments.{name}").main(arguments)
    return code, out.getvalue(), err.getvalue()


@contextlib.contextmanager
def own_functions():
    """Strategies, metrics and readers that are registered inside the block are forgotten after it."""
    import tl_jax.evaluation.draws.classification  # noqa: F401 - metrics of classes are registered by the import
    from experiments import _flags
    from tl_jax.data.formats.registry import load
    from tl_jax.evaluation.statistics.registry import DESCRIBED

    load()  # what is shipped stays, whenever it is first asked for
    with ExitStack() as kept:
        for registry in (*_flags.REGISTRIES, DESCRIBED, _flags.LOADED):
            kept.enter_context(patch.dict(registry))
        yield


@contextlib.contextmanager
def without(module):
    """As where a module is not installed."""
    kept = sys.modules.get(module)
    sys.modules[module] = None
    try:
        yield
    finally:
        del sys.modules[module]
        if kept is not None:
            sys.modules[module] = kept


def tables(folder):
    """{table: its bytes} of a finished experiment."""
    return {name: (folder / name).read_bytes() for name in TABLES}


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]

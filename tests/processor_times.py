"""Processor time by test: a table beside the tests, since wall time says little on a machine that does other work."""

import csv
import os
import sys
from pathlib import Path

import pytest

VARIABLE = "TLJAX_TEST_TIMES"  # a folder; each worker writes its own table there


def spent() -> float:
    """Seconds of processor time of this process, its threads, and the children that it has waited for."""
    forked = getattr(sys.modules.get("scripting"), "Forked", None)  # children of another process
    return sum(os.times()[:4]) + (forked.spent if forked else 0.0)


class ProcessorTimes:
    """Writes `test, phase, seconds` as each phase ends."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{os.getpid()}.csv"
        self.file = (folder / name).open("w", newline="", encoding="utf-8")
        self.rows = csv.writer(self.file)
        self.note("start", "import", spent())

    def note(self, test: str, phase: str, seconds: float):
        self.rows.writerow((test, phase, f"{seconds:.3f}"))
        self.file.flush()

    def around(self, item, phase):
        before = spent()
        result = yield
        self.note(item.nodeid, phase, spent() - before)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self):
        before = spent()
        result = yield
        self.note("start", "collect", spent() - before)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        return (yield from self.around(item, "setup"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        return (yield from self.around(item, "call"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item):
        return (yield from self.around(item, "teardown"))


def pytest_configure(config):
    if VARIABLE in os.environ:
        config.pluginmanager.register(ProcessorTimes(Path(os.environ[VARIABLE])))

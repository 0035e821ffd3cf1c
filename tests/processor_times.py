"""Processor time by test: the dearest at the end of a run, since wall time says little on a machine with other work."""

import csv
import os
import sys
from pathlib import Path

import pytest

VARIABLE = "TLJAX_TEST_TIMES"  # a folder; each worker writes its own table there
KEY = "processor seconds"
SHOWN = 10
DEAR = 2.0  # seconds; what costs more should be `full`: a line of dear.txt


def spent() -> float:
    """Seconds of processor time of this process, its threads, and the children that it has waited for."""
    forked = getattr(sys.modules.get("scripting"), "Forked", None)  # children of another process
    return sum(os.times()[:4]) + (forked.spent if forked else 0.0)


class Table:
    """Writes `test, phase, seconds` as each phase ends; nothing without a folder."""

    def __init__(self, folder: str | None):
        self.file = None
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{os.getpid()}.csv"
            self.file = Path(folder, name).open("w", newline="", encoding="utf-8")  # noqa: SIM115 - open until the end

    def note(self, *row):
        if self.file:
            csv.writer(self.file).writerow(row)
            self.file.flush()


class ProcessorTimes:
    """Measures every phase where the test runs; the process that reports gets the numbers with the reports."""

    def __init__(self, table: Table):
        self.table, self.found = table, []
        self.table.note("start", "import", f"{spent():.3f}")

    def around(self, item, phase):
        before = spent()
        try:
            return (yield)
        finally:
            seconds = spent() - before
            self.table.note(item.nodeid, phase, f"{seconds:.3f}")
            item.user_properties.append((KEY, (seconds, phase)))

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self):
        before = spent()
        result = yield
        self.table.note("start", "collect", f"{spent() - before:.3f}")
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

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown":
            self.found += [(*value, report.nodeid) for key, value in report.user_properties if key == KEY]

    def pytest_terminal_summary(self, terminalreporter):
        if not self.found:
            return
        terminalreporter.section(f"processor seconds: {sum(one[0] for one in self.found):.0f} in tests")
        for seconds, phase, test in sorted(self.found, reverse=True)[:SHOWN]:
            dear = "  for tests/dear.txt?" if seconds > DEAR and os.environ.get("TLJAX_TESTS") != "all" else ""
            terminalreporter.write_line(f"{seconds:7.1f} {phase:8} {test}{dear}")


def pytest_configure(config):
    config.pluginmanager.register(ProcessorTimes(Table(os.environ.get(VARIABLE))))

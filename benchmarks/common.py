"""What the benchmark scripts share: flags, the machine in words, tables and files."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from absl import flags

from tl_jax.errors import InputError
from tl_jax.system.files import check_writable, write_atomic, write_json
from tl_jax.system.progress import say
from tl_jax.system.runtime import cores, versions

FLAGS = flags.FLAGS
flags.DEFINE_string("out", None, "folder for the results; default: docs/benchmarks, or results/benchmarks with --quick")
flags.DEFINE_integer("repeats", None, "rounds; each side is measured once in each")
flags.DEFINE_bool("quick", False, "tiny sizes: a test of the script, no measurement")
RIVALS = ("keras", "tensorflow", "tensorflow-cpu", "torch")
RECORDED_REPEATS = 5  # below that a result is not fit to be recorded


def out_folder() -> Path:
    """Where --out says, made and found writable."""
    folder = Path(FLAGS.out or ("results/benchmarks" if FLAGS.quick else "docs/benchmarks"))
    check_writable(folder, "--out")
    return folder


def repeats() -> int:
    """Rounds that --repeats asks for; two in quick mode unless it says otherwise."""
    wanted = FLAGS.repeats if FLAGS.repeats is not None else 2 if FLAGS.quick else RECORDED_REPEATS
    if wanted < 1:
        raise InputError(f"--repeats={wanted}: at least 1")
    if wanted < RECORDED_REPEATS and not FLAGS.quick:
        say(f"--repeats={wanted}: results worth recording need at least {RECORDED_REPEATS}")
    return wanted


def machine(script: str) -> dict:
    """Processor, cores, memory, versions, date and command of a report."""
    return {
        "processor": processor_name(),
        "cores": cores(),
        "memory_gib": memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {**versions(), **dict(installed(RIVALS))},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join([f"python -m benchmarks.{script}", *sys.argv[1:]]),
    }


def processor_name() -> str:
    """Model and number as the system names them."""
    fields = proc("cpuinfo")
    numbers = [f"{key} {fields[key]}" for key in ("cpu family", "model", "stepping") if key in fields]
    name = fields.get("model name", platform.processor() or platform.machine())
    return ", ".join([name, *numbers])


def memory_gib() -> float | None:
    """Memory of the machine."""
    total = proc("meminfo").get("MemTotal")
    return round(int(total.split()[0]) / 2**20, 1) if total else None


def proc(name: str) -> dict[str, str]:
    """The first value of each field of a file in /proc; nothing on systems without it."""
    try:
        lines = Path("/proc", name).read_text().splitlines()
    except OSError:
        return {}
    pairs = [[part.strip() for part in line.split(":", 1)] for line in reversed(lines) if ":" in line]
    return dict(pairs)


def installed(packages: Iterable[str]) -> list[tuple[str, str]]:
    """(package, version) of those that are there."""
    found = []
    for package in packages:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row) -> str:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return "  ".join([row[0].ljust(widths[0]), *cells]).rstrip()

    return "\n".join(line(row) for row in rows)


def number(value: float) -> str:
    """Three digits, without exponents for the sizes that occur here."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def digits(power: float) -> str:
    """An exponent with two digits, and no minus before nought."""
    return f"{round(power, 2) + 0.0:.2f}"


def case_table(case: dict) -> str:
    """One case of a report for people."""
    rows = [(case["title"], case["unit"], "min to max", "x tl_jax", "with compile", "peak MiB", "")]
    for key, entry in case["entries"].items():
        ratio, peak = case["ratios"].get(key, {}), entry.get("peak_mib")
        optional = (ratio.get("median"), case["ratios_with_compile"].get(key), peak)
        spread = f"{number(entry['min'])} to {number(entry['max'])}"
        numbers = ("" if value is None else number(value) for value in optional)
        rows.append((entry["label"], number(entry["median"]), spread, *numbers, entry["note"]))
    return "\n".join([table(rows), *(f"left out: {reason}" for reason in case["skipped"].values())])


def write_report(folder: Path, name: str, report: dict, draw: Callable[[dict], object]) -> None:
    """`name`.json, and `name`.png of the figure that draw(report) makes where matplotlib is installed."""
    say(f"results: {write_json(folder / f'{name}.json', report)}")
    try:
        figure = draw(report)
    except InputError as error:
        say(f"no picture: {error}")
        return
    say(f"picture: {write_atomic(folder / f'{name}.png', lambda path: figure.savefig(path, dpi=150))}")

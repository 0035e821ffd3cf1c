"""How often the tests of two arms are wrong, and what they find, on simulated cohorts of 22 and 83 samples.

python -m benchmarks.calibration

Writes calibration.json, and figures/calibration_rates.png and figures/calibration_transfer.png where matplotlib is
installed. docs/calibration.md says what the numbers mean.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from absl import flags

from benchmarks.calibration import jobs, studies
from benchmarks.calibration.figures import SHORT, rates_figure, transfer_figure
from benchmarks.calibration.summary import summarise
from experiments._command import run
from tl_jax.errors import InputError
from tl_jax.system.files import check_writable, write_atomic, write_json
from tl_jax.system.progress import Progress, say
from tl_jax.system.runtime import cores, versions

FLAGS = flags.FLAGS
flags.DEFINE_string("out", None, "folder for the results; default: docs, or results/calibration with --quick")
flags.DEFINE_integer("processes", None, "processes; default: one for each core. The numbers do not depend on it")
flags.DEFINE_bool("quick", False, "a handful of studies: a test of the script, no measurement")


def main() -> None:
    folder = Path(FLAGS.out or ("results/calibration" if FLAGS.quick else "docs"))
    check_writable(folder, "--out")
    processes = FLAGS.processes if FLAGS.processes is not None else cores()
    if processes < 1:
        raise InputError(f"--processes={processes}: at least 1")
    plan, started = jobs.QUICK if FLAGS.quick else jobs.FULL, time.monotonic()
    with Progress(len(list(jobs.jobs(plan))), "calibration", "populations") as progress:
        table = jobs.collect(plan, processes, advance=lambda: progress.advance(1))
    report = {"quick": FLAGS.quick, "settings": settings(plan), **summarise(table)}
    report["seconds"], report["processes"] = round(time.monotonic() - started), processes
    print(rate_table(report))
    say(f"results: {write_json(folder / 'calibration.json', report)}")
    draw(report, folder / "figures")


def settings(plan: jobs.Plan) -> dict:
    """All that determines the numbers."""
    sizes = {"genes": studies.GENES, "source_samples": studies.N_SOURCE, "test_rows": studies.TEST_ROWS}
    grid = {"signals": jobs.SIGNALS, "relatedness": jobs.RELATEDNESS, "looks": jobs.LOOKS}
    return {"plan": asdict(plan), "repeats": studies.REPEATS, **sizes, **grid, "versions": versions()}


def rate_table(report: dict) -> str:
    """Rejections of equally good arms, for people."""
    lines = ["share of studies with p <= .05, equally good arms (95 % interval)"]
    for line in report["null"]:
        share = f"{line['rate']:.3f} ({line['low']:.3f} to {line['high']:.3f}) of {line['studies']}"
        lines.append(f"{line['kind']:7} n = {line['n']:2} {line['signal']:7} {SHORT[line['test']]:24} {share}")
    return "\n".join(lines)


def draw(report: dict, folder: Path) -> None:
    """Both figures as PNG."""
    for name, make in (("calibration_rates", rates_figure), ("calibration_transfer", transfer_figure)):
        try:
            figure = make(report)
        except InputError as error:
            say(f"no picture: {error}")
            return
        say(f"picture: {write_atomic(folder / f'{name}.png', lambda path, f=figure: f.savefig(path, dpi=150))}")


if __name__ == "__main__":
    run(main)

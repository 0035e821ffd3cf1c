"""tl_jax beside Keras and PyTorch on the same arrays, and against the machine's own floor.

python -m benchmarks.side_by_side                    everything, on an otherwise idle machine
python -m benchmarks.side_by_side --case=target_frozen --repeats=7 --out=results/benchmarks

Each side is a process of its own and lives as long as its case. One is measured at a time, and the sides take turns
within each round, so that a machine that slows down slows all of them. Every side gets all cores, float32, the same
rows and first weights, the same number of epochs, batches of 32 in an order drawn anew each epoch, the last one
partial. Compilation and tracing are paid for by one call before the rounds, whose time is reported apart.

Each library is used as its users write it:

- Keras: compile once, model.fit(verbose=0, shuffle=True) from the first weights; a frozen layer has trainable=False.
- PyTorch eager: a module, an optimizer over what is trained, requires_grad_(False) on a frozen layer; the kernel's L2
  is the optimizer's weight decay, which is cheaper than the same term in the loss. With torch.optim.Adam's default
  and with fused=True.
- PyTorch vmap: torch.func.vmap(grad(...)) over stacked weights and Adam in place on the stacks; a frozen layer is
  evaluated once.

What differs leans to the rivals: their times hold the epochs alone, while a whole study of tl_jax also scales the
genes, draws first weights and predicts the held-out rows. Where tl_jax trains for long steps, that part is taken out
by the difference of two trainings. Rivals that train one model at a time are measured on one fit, times the number of
fits. Nobody evaluates held-out rows after each epoch.
"""

from __future__ import annotations

from absl import flags

from benchmarks import common
from benchmarks.arithmetic import floor_text
from benchmarks.bars import judge
from benchmarks.cases import CASES, NAMES
from benchmarks.pictures import bars_figure
from benchmarks.rounds import measure_case
from benchmarks.second_start import measure_starts
from experiments._command import run
from tl_jax.errors import InputError
from tl_jax.system.progress import Progress

FLAGS = flags.FLAGS
flags.DEFINE_list("case", ["all"], f"all, or some of: {', '.join(NAMES)}")


def main() -> None:
    names = wanted_cases(FLAGS.case)
    folder, repeats, quick = common.out_folder(), common.repeats(), FLAGS.quick
    cases = {name: CASES[name](quick) for name in names if name in CASES}
    total = sum(len(case.measurable) for case in cases.values()) * (repeats + 1)
    total += 2 * repeats if "second_start" in names else 0
    report = {"machine": common.machine("side_by_side"), "quick": quick, "repeats": repeats, "cases": {}}
    with Progress(total, "side by side", "measurements") as progress:

        def advance(note: str) -> None:
            progress.advance(1, note)

        for name, case in cases.items():
            report["cases"][name] = with_floor(measure_case(case, repeats, advance=advance))
        if "second_start" in names:
            report["cases"]["second_start"] = measure_starts(quick, repeats, advance)
    report["bars"] = judge(report["cases"])
    for text in (
        *(common.case_table(case) for case in report["cases"].values()),
        *floors(report),
        bar_table(report["bars"]),
    ):
        print(text, end="\n\n")
    common.write_report(folder, "side_by_side", report, bars_figure)


def wanted_cases(asked: list[str]) -> list[str]:
    """Names of --case in their own order."""
    unknown = [name for name in asked if name not in (*NAMES, "all")]
    if unknown or not asked:
        raise InputError(f"--case={','.join(unknown)}: there are all, {', '.join(NAMES)}")
    return [name for name in NAMES if name in asked or "all" in asked]


def with_floor(case: dict) -> dict:
    """A case with the formula of its floor in words, of the round in the middle."""
    floor = case["entries"].get("floor")
    if floor:
        raw = sorted(floor["raw"], key=lambda reply: reply["seconds"])
        case["floor"] = floor_text(raw[len(raw) // 2], floor["problem"]["genes"], floor["problem"]["hidden"][0])
    return case


def floors(report: dict) -> list[str]:
    return [f"{name}: {case['floor']}" for name, case in report["cases"].items() if "floor" in case]


def bar_table(bars: list[dict]) -> str:
    """The bars and what was reached."""
    rows = [("bar", "limit", "reached", "")]
    for bar in bars:
        limit = f">= {bar['at_least']:g}" if "at_least" in bar else f"<= {bar['at_most']:g}"
        rows.append((bar["bar"], limit, common.number(bar["reached"]), "met" if bar["met"] else "NOT met"))
    return common.table(rows)


if __name__ == "__main__":
    run(main)

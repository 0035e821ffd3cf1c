"""tl_jax on one GPU, beside its memory's own floor and beside Keras and PyTorch on the same device.

python -m benchmarks.gpu             on a machine with a GPU
python -m benchmarks.gpu --quick     a test of the script on any device

Measured: experiment 1 as a whole (11 repeats of 5 folds, 50 epochs), a study of 1,000 runs with layer 1 frozen, and
what the precision of matrix products changes in time and in the rank correlation of held-out predictions. The floor
counts the bytes that a step of the wide layer moves and divides them by the rate at which the device copies, measured
in the same run. Sides follow each other, since each takes the device's memory; compilation is paid for before.
Settings as in side_by_side; matrix products may use TF32 on every side unless the case is their precision.
"""

from __future__ import annotations

from dataclasses import replace

from absl import flags

from benchmarks import common
from benchmarks.arithmetic import device_step_bytes
from benchmarks.cases import EAGER, EXPERIMENT1, KERAS, TARGET, shrunk
from benchmarks.pictures import bars_figure
from benchmarks.protocol import Worker, WorkerError
from benchmarks.rounds import Case, Entry, measure_case
from experiments._command import run
from tl_jax.errors import InputError
from tl_jax.system.progress import Progress, say

FLAGS = flags.FLAGS
# Named as algorithms, since jax's other names mean different things on different devices.
PRECISIONS = {"float32": "F32_F32_F32", "TF32": "TF32_TF32_F32", "bfloat16": "BF16_BF16_F32"}
AT_ONCE = 4  # trainings that vmap stacks


def main() -> None:
    folder, repeats, quick = common.out_folder(), common.repeats(), FLAGS.quick
    device = the_device(quick)
    cases = [experiment1(quick), thousand(quick), precisions(quick)]
    report = {"machine": {**common.machine("gpu"), "device": device}, "quick": quick, "repeats": repeats, "cases": {}}
    with Progress(sum(len(case.measurable) for case in cases) * (repeats + 1), "gpu", "measurements") as progress:
        for case in cases:
            measured = measure_case(
                case, repeats, cpu=False, together=False, advance=lambda note: progress.advance(1, note)
            )
            report["cases"][case.name] = measured
    report["floor"] = floor_share(report["cases"]["experiment1"])
    report["precision"] = precision_effects(report["cases"]["precision"])
    print(f"device: {words(device)}\n")
    for case in report["cases"].values():
        print(common.case_table(case), end="\n\n")
    print(floor_words(report["floor"]))
    print(common.table([("precision", "s", "Spearman of held-out rows"), *precision_rows(report["precision"])]))
    common.write_report(folder, "gpu", report, bars_figure)


def the_device(quick: bool) -> dict:
    """What jax computes on here; a CPU only with --quick."""
    try:
        with Worker("copy", cpu=False) as worker:
            worker.prepare(shrunk(EXPERIMENT1, True, samples=20), copied=2**20)
            device = worker.measure()["device"]
    except WorkerError as error:
        raise InputError(f"jax cannot compute here: {error}") from error
    say(f"device: {words(device)}")
    if device["platform"] == "cpu" and not quick:
        raise InputError("jax finds no GPU here; --quick runs a small version on the CPU")
    return device


def words(device: dict) -> str:
    return f"{device['kind']} ({device['platform']})"


def experiment1(quick: bool) -> Case:
    """Experiment 1 as a whole: 55 runs of 50 epochs. Rivals: a part of it, scaled."""
    whole = shrunk(replace(EXPERIMENT1, fits=55, epochs=50), quick, samples=40, fits=5, epochs=4)
    part = replace(whole, fits=1, epochs=2)
    entries = (
        Entry("ours", "ours", whole),
        *(Entry(side, side, part) for side in (*KERAS, *EAGER)),
        Entry("torch_vmap", "torch_vmap", replace(part, fits=AT_ONCE)),
        Entry("floor", "copy", whole, options={"copied": 2**22} if quick else {}),
    )
    title = (
        f"Experiment 1: {whole.fits} runs, {len(whole.splits()[0][0])} x {whole.genes:,} genes, {whole.epochs} epochs"
    )
    return Case("experiment1", title, "s", entries, whole.fits, whole.epochs)


def thousand(quick: bool) -> Case:
    """1,000 runs on the target with layer 1 frozen. Rivals: one fit, scaled; vmap all at once."""
    study = shrunk(replace(TARGET, strategy="freeze_layer1", fits=1000), quick, fits=9, epochs=4)
    entries = (
        Entry("ours", "ours", study),
        *(Entry(side, side, replace(study, fits=1)) for side in (*KERAS, *EAGER)),
        Entry("torch_vmap", "torch_vmap", replace(study, fits=min(study.fits, 100))),
    )
    title = f"Target, layer 1 frozen: {study.fits:,} runs of {study.epochs} epochs"
    return Case("thousand_runs", title, "s", entries, study.fits, study.epochs)


def precisions(quick: bool) -> Case:
    """One repeat of experiment 1 with each precision of matrix products."""
    study = shrunk(replace(EXPERIMENT1, fits=5, epochs=50), quick, samples=40, epochs=4)
    names = ("float32",) if quick else PRECISIONS
    entries = tuple(Entry(name, "ours", study, name, options={"precision": PRECISIONS[name]}) for name in names)
    return Case("precision", f"Precision of products: {study.fits} runs of experiment 1", "s", entries)


def floor_share(case: dict) -> dict | None:
    """Traffic of a run's step, and which share of the device's memory rate the engine reaches."""
    if not {"ours", "floor"} <= set(case["entries"]):
        return None
    ours, floor = case["entries"]["ours"], case["entries"]["floor"]
    problem = ours["problem"]
    return {
        "formula": "(forward read 1 + gradient 2 + weights and moments 6) x 4 bytes x genes x units",
        "step_bytes": device_step_bytes(problem["genes"], problem["hidden"][0]),
        "bytes_per_second": max(reply["bytes_per_second"] for reply in floor["raw"]),
        "floor_seconds": floor["median"],
        "seconds": ours["median"],
        "share": floor["median"] / ours["median"],
    }


def floor_words(floor: dict | None) -> str:
    if floor is None:
        return "no floor: tl_jax or the copy could not be measured\n"
    return (
        f"floor: {floor['formula']} = {floor['step_bytes'] / 1e6:.4g} MB per step of a run at "
        f"{floor['bytes_per_second'] / 1e9:,.0f} GB/s: {common.number(floor['floor_seconds'])} s of "
        f"{common.number(floor['seconds'])} s, {floor['share']:.0%} of the floor's rate reached\n"
    )


def precision_effects(case: dict) -> dict[str, dict]:
    """{precision: seconds, rank correlation on held-out rows, its change from float32}."""
    found = {}
    base = case["entries"].get("float32")
    for name, entry in case["entries"].items():
        rank = entry["raw"][-1]["spearman"]
        change = rank - base["raw"][-1]["spearman"] if base else None
        found[name] = {"seconds": entry["median"], "spearman": rank, "change": change}
    return found


def precision_rows(effects: dict[str, dict]) -> list[tuple[str, str, str]]:
    return [(name, common.number(e["seconds"]), f"{e['spearman']:.4f}") for name, e in effects.items()]


if __name__ == "__main__":
    run(main)

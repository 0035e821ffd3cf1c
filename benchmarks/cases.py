"""The cases of side_by_side and their sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.problem import Problem
from benchmarks.rounds import Case, Entry

KERAS, EAGER = ("keras_tf", "keras_jax"), ("torch", "torch_fused")
# GDSC of the published study: 710 lines, so 568 training rows of five folds.
EXPERIMENT1 = Problem(710, 17_419, folds=5, strategy="scratch", learning_rate=1e-3, epochs=1)
TARGET = Problem(22, 10_232, folds=3, fits=30, epochs=200)
QUICK = {"genes": 60, "hidden": (20, 10)}
THOUSAND = {"runs_100": 100, "runs_1000": 1000}


def shrunk(problem: Problem, quick: bool, **changes) -> Problem:
    """The problem itself, or one that takes an instant."""
    return replace(problem, **QUICK, **changes) if quick else problem


def experiment1_step(quick: bool) -> Case:
    """One epoch of full training on the source; time of one step of one run."""
    one = shrunk(EXPERIMENT1, quick, samples=90)
    ours = replace(one, epochs=100 if quick else 3, after=1)
    entries = [
        Entry("ours", "ours", replace(ours, fits=2), "tl_jax, two runs side by side"),
        Entry("ours_one", "ours", ours, "tl_jax, one run alone"),
        *(Entry(side, side, one) for side in (*KERAS, *EAGER)),
        Entry("torch_vmap", "torch_vmap", replace(one, fits=2)),
        floor(one, quick),
    ]
    title = f"Experiment 1, full training: {len(one.splits()[0][0])} x {one.genes:,} genes"
    return Case("experiment1_step", title, "ms per step", tuple(entries), fits=1, epochs=1, scale=1e3 / one.steps)


def target_frozen(quick: bool) -> Case:
    """The whole cross-validation of a small target, layer 1 copied and frozen."""
    study = shrunk(replace(TARGET, strategy="freeze_layer1"), quick, fits=6, epochs=5)
    entries = [
        Entry("ours", "ours", study),
        *(Entry(side, side, replace(study, fits=1)) for side in (*KERAS, *EAGER)),
        Entry("torch_vmap", "torch_vmap", study),
    ]
    title = (
        f"Target, layer 1 frozen: {study.samples} x {study.genes:,} genes, {study.fits} fits of {study.epochs} epochs"
    )
    return Case("target_frozen", title, f"s per {study.fits} fits", tuple(entries), study.fits, study.epochs)


def target_trainable(quick: bool) -> Case:
    """One training on a small target, layer 1 copied and trained: the published transfer."""
    fit = shrunk(replace(TARGET, fits=1), quick, epochs=500)
    part = replace(fit, epochs=fit.epochs // 5)
    ours = replace(part, fits=2, epochs=part.epochs + part.epochs // 2, after=part.epochs // 2)
    entries = [
        Entry("ours", "ours", ours, "tl_jax, two runs side by side"),
        *(Entry(side, side, part) for side in (*KERAS, *EAGER)),
        Entry("torch_vmap", "torch_vmap", replace(part, fits=2)),
        floor(part, quick),
    ]
    title = f"Target, layer 1 trained: {fit.samples} x {fit.genes:,} genes, a fit of {fit.epochs} epochs"
    return Case("target_trainable", title, "s per fit", tuple(entries), 1, fit.epochs)


def thousand_runs(quick: bool) -> Case:
    """Studies of 100 and of 1,000 runs with layer 1 frozen: time and memory must grow no faster than the runs."""
    study = shrunk(replace(TARGET, strategy="freeze_layer1"), quick, epochs=5)
    counts = {key: count // 10 if quick else count for key, count in THOUSAND.items()}
    entries = (Entry(key, "ours", replace(study, fits=fits), f"tl_jax, {fits:,} runs") for key, fits in counts.items())
    title = f"Many runs, layer 1 frozen: {study.samples} x {study.genes:,} genes, {study.epochs} epochs"
    return Case("thousand_runs", title, "s", tuple(entries))


def floor(problem: Problem, quick: bool) -> Entry:
    """The machine's own floor for one run of a problem."""
    return Entry("floor", "floor", problem, options={"streamed": 2**22} if quick else {})


CASES: dict[str, Callable[[bool], Case]] = {
    make.__name__: make for make in (experiment1_step, target_frozen, target_trainable, thousand_runs)
}
NAMES: Sequence[str] = (*CASES, "second_start")

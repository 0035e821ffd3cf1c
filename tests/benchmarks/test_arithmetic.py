"""The numbers of the benchmark reports: values, ratios, floors, bars, exponents, and sizes of the cases."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import arithmetic, problem
from benchmarks.bars import judge
from benchmarks.cases import CASES
from benchmarks.problem import Problem
from benchmarks.protocol import Worker, WorkerError
from benchmarks.rounds import Case, Entry, case_ratios, entry_result, measure_case, with_compile_ratios
from tl_jax.config import TRANSFER
from tl_jax.training.optimizer import scale_by_keras_adam
from tl_jax.training.runs import Runs

SMALL = Problem(12, 20, fits=2, epochs=2, hidden=(4, 3))


def test_ratios_compare_medians_and_their_range_compares_rounds():
    found = arithmetic.ratios([10, 30, 20], [5, 10, 4])
    assert found == {"median": 4, "min": 2, "max": 5}
    assert arithmetic.spread([3, 1, 2]) == {"median": 2, "min": 1, "max": 3}


def test_a_difference_is_never_less_than_nothing():
    assert arithmetic.difference(5, 2) == 3
    assert arithmetic.difference(2, 2.5) == 2


def test_floor_of_a_step():
    moved = 7 * 4 * 17_419 * 1000
    assert arithmetic.step_bytes(17_419, 1000) == moved
    assert arithmetic.step_floor(0.010, 0.012, 20e9, 17_419, 1000) == pytest.approx(0.022 + moved / 20e9)
    assert arithmetic.device_step_bytes(17_419, 1000) == 9 * 4 * 17_419 * 1000


def test_floor_in_words_names_formula_bytes_and_operations():
    floor = {"forward_seconds": 0.01, "backward_seconds": 0.012, "bytes_per_second": 20e9, "step_seconds": 0.0464}
    floor |= {"flops_per_second": 101e9, "step_flops": 4 * 32 * 17_419 * 1000, "step_bytes": 7 * 4 * 17_419 * 1000}
    text = arithmetic.floor_text(floor, 17_419, 1000)
    for part in (
        "7 passes x 4 bytes x 17,419 x 1,000",
        "2.23 GFLOP at 101 GFLOP/s",
        "487.7 MB at 20.0 GB/s",
        "= 46.40 ms",
    ):
        assert part in text


def test_exponent_of_a_power_law():
    assert arithmetic.exponent([1, 2, 4, 8], [3 * v**1.5 for v in (1, 2, 4, 8)]) == pytest.approx(1.5)
    assert arithmetic.exponent([4], [3]) is None
    assert arithmetic.exponent([4, 4], [3, 5]) is None


def test_values_stand_for_the_whole():
    study = replace(SMALL, fits=30, epochs=200)
    case = Case("c", "c", "s", (), fits=30, epochs=200)
    one = replace(study, fits=1)
    assert case.share(study) == 1
    assert case.note(study) == ""
    assert case.note(one) == "extrapolated: 1 fit x 30"
    raw = [{"seconds": seconds, "peak_mib": 1.0} for seconds in (2.0, 3.0, 4.0)]
    result = entry_result(case, Entry("torch", "torch", one), {"wall": 5.0}, raw, 1.0)
    assert result["values"] == pytest.approx([60, 90, 120])
    assert result["median"] == pytest.approx(90)
    assert result["with_compile"] == pytest.approx(5 + 29 * 3)


def test_time_of_one_step_from_two_runs_and_two_epochs():
    two = replace(SMALL, fits=2, epochs=3, after=1)
    case = Case("c", "c", "ms per step", (), fits=1, epochs=1, scale=1e3 / 18)
    result = entry_result(case, Entry("ours", "ours", two), {"wall": 9.0}, [{"seconds": 7.2, "peak_mib": 1.0}], 1.0)
    assert result["median"] == pytest.approx(1e3 * 7.2 / (2 * 2 * 18))
    assert result["with_compile"] is None
    assert result["note"] == "2 runs at once, per run"
    assert Case("c", "c", "s", (), 1, 10).note(two) == "2 runs at once, per run; extrapolated: 2 epochs x 5"


def test_ratios_of_a_case_are_against_our_side():
    entries = {"ours": {"values": [1.0, 2.0]}, "torch": {"values": [4.0, 5.0]}}
    assert case_ratios(entries) == {"torch": {"median": 3, "min": 2.5, "max": 4}}
    assert case_ratios({"torch": {"values": [4.0]}}) == {}
    paid = {"ours": {"with_compile": 3.0}, "torch": {"with_compile": 6.0}, "floor": {"with_compile": None}}
    assert with_compile_ratios(paid) == {"torch": 2}


def test_bars_of_what_was_measured_alone():
    cases = {
        "target_frozen": {
            "ratios": {"torch": {"median": 90.0}, "keras_tf": {"median": 170.0}},
            "ratios_with_compile": {"keras_tf": 60.0},
        },
        "thousand_runs": {"entries": {"runs_100": {"median": 3.0}, "runs_1000": {"median": 29.0}}},
    }
    found = {bar["bar"]: (bar["reached"], bar["met"]) for bar in judge(cases)}
    assert found == {
        "target, layer 1 frozen: Keras on TensorFlow / tl_jax": (170, True),
        "target, layer 1 frozen: PyTorch eager / tl_jax": (90, False),
        "target, layer 1 frozen, compilation included: Keras on TensorFlow / tl_jax": (60, True),
        "1,000 runs with layer 1 frozen, seconds": (29, True),
        "1,000 runs / 100 runs, time": (29 / 3, True),
    }


def test_settings_are_those_of_the_experiments():
    hparams = TRANSFER.hparams()
    assert (hparams.kernel_l2, hparams.activity_l1) == (problem.KERNEL_L2, problem.ACTIVITY_L1)
    assert (problem.DROPOUT, Problem(9, 9).batch) == (hparams.dropout, TRANSFER.batch_size)
    assert Problem(9, 9).learning_rate == hparams.learning_rate
    assert scale_by_keras_adam.__defaults__ == (*problem.BETAS, problem.EPSILON)


def test_sizes_of_the_cases():
    step = CASES["experiment1_step"](False)
    assert [len(train) for train, _ in step.entries[0].problem.splits()] == [568, 568]
    assert step.scale == pytest.approx(1e3 / 18)
    assert {entry.problem.genes for entry in step.entries} == {17_419}
    frozen, many = CASES["target_frozen"](False), CASES["thousand_runs"](False)
    study = frozen.entries[0].problem
    assert (study.fits, study.epochs, study.frozen) == (30, 200, True)
    assert {len(train) for train, _ in study.splits()} == {14, 15}
    assert [entry.problem.fits for entry in many.entries] == [100, 1000]
    trained = CASES["target_trainable"](False)
    assert {entry.problem.counted_epochs for entry in trained.entries} == {40}
    assert not any(entry.problem.frozen for entry in trained.entries)


def test_a_problem_is_the_same_in_every_process():
    again = Problem.from_dict({**SMALL.as_dict(), "hidden": [4, 3]})
    assert again == SMALL
    assert all(np.array_equal(a, b) for a, b in zip(again.data(), SMALL.data(), strict=True))
    x, _ = SMALL.training_set(1)
    index, weight = again.padded_rows(1)
    assert [list(row[w > 0]) for row, w in zip(index, weight, strict=True)] == [
        list(test) for _, test in SMALL.splits()
    ]
    np.testing.assert_allclose((x.mean(axis=0), x.std(axis=0)), (np.zeros(20), np.ones(20)), atol=1e-5, rtol=1e-5)


def test_our_side_fills_every_field_of_a_run():
    from benchmarks.sides.ours import run_axis

    runs = run_axis(SMALL, *SMALL.data())
    filled = {name: value for name, value in runs._asdict().items() if value is not None}
    assert set(filled) >= set(Runs._fields) - set(Runs._field_defaults)
    assert all(len(filled[name]) == SMALL.fits for name in filled if name != "hparams")


def test_a_side_that_fails_is_left_out_and_the_others_go_on():
    floor = Entry("floor", "floor", SMALL, options={"streamed": 2**16})
    broken = Entry("broken", "floor", SMALL, "broken", options={"streamed": "much"})
    case = measure_case(Case("c", "c", "s", (broken, floor)), 1)
    assert list(case["entries"]) == ["floor"]
    assert case["skipped"]["broken"].startswith("broken: TypeError")
    assert case["entries"]["floor"]["raw"][0]["step_bytes"] == arithmetic.step_bytes(20, 4)


def test_the_last_words_of_a_process_that_is_gone():
    with Worker("floor") as worker:
        worker._process.kill()
        with pytest.raises(WorkerError, match="the process ended with code -9"):
            worker.prepare(SMALL)

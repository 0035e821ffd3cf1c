"""What the report adds for its reader: what to do next, words explained, ten arms in sight, possible values alone."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from studies import write_study

from tl_jax.evaluation.predictors.baselines import KNOWN
from tl_jax.evaluation.predictors.plain_words import plain, words_of
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.evaluation.statistics.power import detectable_words
from tl_jax.registry import declared
from tl_jax.report.blocks import Part, Table
from tl_jax.report.sections import answer_words, report_of, verdict_words
from tl_jax.report.sections.cells import CUT, farthest, interval
from tl_jax.report.sections.run import short_paths


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """16 arms in one study."""
    strategies = ("zero_shot", "copy_layer1", "fine_tune", "l2_sp")
    return write_study(tmp_path_factory.mktemp("study") / "out", ("A", "B", "C"), strategies, repeats=2, samples=12)


@pytest.fixture(scope="module")
def sections(folder):
    return {one.id: one for one in report_of(folder).sections}


def test_every_arm_that_is_shipped_has_words():
    names = (*declared("transfer", "strategy"), *METHODS, *KNOWN)
    assert not [name for name in names if not words_of(name)]
    assert plain("marker:MGMT") == "the one gene MGMT (marker:MGMT)"
    assert plain("scratch lr=0.01@50").endswith("(scratch lr=0.01@50)")
    assert plain("mine", "A") == "mine from A"  # a user's own has its name alone


def test_ten_arms_are_in_sight_and_the_others_folded(folder, sections):
    shown, folded = sections["gain"].blocks[-3:-1]
    assert isinstance(shown, Table)
    assert len(shown.rows) == 10
    assert isinstance(folded, Part)
    assert folded.folded
    assert len(shown.rows) + len(folded.blocks[0].rows) == 15
    names = {(row[0], row[1]) for row in shown.rows}
    metrics = pd.read_csv(folder / "metrics.csv", keep_default_na=False, na_values={"value": [""]})
    rows = metrics[
        (metrics["metric"] == "spearman") & (metrics["protocol"] == "honest") & (metrics["fold"] != "pooled")
    ]
    means = rows.groupby(["arm", "source"])["value"].mean().sort_values(ascending=False)
    best = [arm for arm in means.index if arm[0] != "scratch"][:9]
    assert {(arm, source or "\N{EN DASH}") for arm, source in best} <= names


def test_samples_needed_follow_the_square_root(folder):
    line = next(text for text in answer_words(folder) if text.startswith("Samples: "))
    least = float(line.split("a gain of about ")[1].split(" ")[0])
    told = dict(pair.split(": ") for pair in line.split("roughly: ")[1].rstrip(".").split(", "))
    for gain, count in told.items():
        assert float(count.replace(",", "")) == pytest.approx(12 * (least / float(gain)) ** 2, rel=0.1)


def test_where_nothing_predicts_the_verdict_and_the_next_step_say_so(tmp_path):
    out = write_study(tmp_path / "out", ("A",), ("zero_shot",), repeats=2, samples=30)
    one = {"arm": "ridge", "source": "", "value": 0.4, "candidates": 3, "honest": 0.1, "path": "x", "id": "1"}
    path = out / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "recommended": one}))
    table = pd.read_csv(out / "intervals.csv").head(1).assign(arm="nested_choice", source="", protocol="honest")
    for low, shown in ((-0.3, False), (0.2, True)):
        table.assign(spearman=0.3, bca_low=low, bca_high=0.6).to_csv(out / "intervals.csv", index=False)
        words = answer_words(out)
        assert ("No model is shown to predict: " in verdict_words(out)) is not shown
        assert any("no forecast is worth a decision" in line for line in words) is not shown
        assert any("It predicts better than chance" in line for line in words) is shown


def test_batches_that_go_with_the_response_are_said_beside_how_sure(tmp_path):
    """Forecasts that know the batch alone look good over all samples and are worth nothing within a batch."""
    out = write_study(tmp_path / "out", ("A",), ("zero_shot",), repeats=2, samples=30)
    one = {"arm": "ridge", "source": "", "value": 0.4, "candidates": 3, "honest": 0.1, "path": "x", "id": "1"}
    path = out / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "recommended": one}))
    columns = ["severity", "check", "where", "text", "remedy"]
    other = [("worth a look", "overlap", "target", f"finding {k}", "mend it") for k in range(4)]
    batch = "batches shift the expression of target, and they go with the response to 'D'"
    own = ("worth a look", "batches", "target", batch, "hold out whole batches")
    rows = pd.concat([pd.read_csv(out / "samples.csv").head(7)] * 2, ignore_index=True)
    rows = rows.assign(sample_id=[f"s{k}" for k in range(14)], batch=["x", "y"] * 7, observed=np.arange(14.0))
    rows["predicted"] = np.where(rows["batch"] == "x", np.arange(14.0), -np.arange(14.0))
    rows.to_csv(out / "samples.csv", index=False)
    sure = pd.read_csv(out / "intervals.csv").head(1).assign(arm="nested_choice", source="", protocol="honest")
    sure.assign(spearman=0.3, bca_low=0.2, bca_high=0.6).to_csv(out / "intervals.csv", index=False)
    pd.DataFrame(other, columns=columns).to_csv(out / "findings.csv", index=False)
    assert not [line for line in answer_words(out) if line.startswith("Batches: ")]
    assert not any("no more than their batches" in line for line in answer_words(out))
    pd.DataFrame([*other, own], columns=columns).to_csv(out / "findings.csv", index=False)
    words = answer_words(out)
    (line,) = (line for line in words if line.startswith("Batches: "))
    assert "x 1.00 (7 samples), y -1.00 (7 samples)" in line
    assert any("better than chance on samples like these, which may be no more than their batches;" in w for w in words)
    assert next(line for line in words if line.startswith("Data: ")) == f"Data: {batch}: hold out whole batches."


def test_no_flag_is_told_for_an_arm_of_all_drugs(tmp_path):
    """Its source is called "all drugs", which --source_drug does not know."""
    out = write_study(tmp_path / "out", ("all drugs",), ("profile_gp",), repeats=2, samples=12)
    (section,) = (one for one in report_of(out).sections if one.id == "next")
    (line,) = ("".join(map(str, one)) for one in section.blocks[0].lines if str(one[0]) == "Source. ")
    assert "all drugs" in line
    assert "--source_drug" not in line


def test_a_source_that_nothing_was_compared_with_is_not_called_unused(tmp_path):
    """Without ridge among the baselines the page said that all was learned from these samples alone."""
    out = write_study(tmp_path / "out", ("all drugs",), ("profile_gp",), repeats=2, samples=12)
    metrics, pairs = pd.read_csv(out / "metrics.csv", dtype={"fold": str}), pd.read_csv(out / "comparisons.csv")

    def source_said():
        return next(line for line in answer_words(out) if line.startswith("Source: "))

    references = ("scratch", "ridge")
    metrics = metrics[~metrics["arm"].isin(references)]
    pairs = pairs[~pairs["arm_a"].isin(references) & ~pairs["arm_b"].isin(references)]
    metrics.to_csv(out / "metrics.csv", index=False)
    pairs.assign(reference="", family="").to_csv(out / "comparisons.csv", index=False)
    assert source_said().startswith("Source: used, and compared with no model")
    own = metrics["source"].isna()
    metrics[own].to_csv(out / "metrics.csv", index=False)
    pairs[pairs["source_a"].isna() & pairs["source_b"].isna()].to_csv(out / "comparisons.csv", index=False)
    assert source_said() == "Source: none was used; everything was learned from these samples alone."


def test_one_page_has_one_answer_on_samples(tmp_path):
    """Where studies of so many samples were simulated, "What next" says what `tl_jax power` says."""
    out = write_study(tmp_path / "out", ("A",), ("zero_shot",), repeats=2, samples=30)
    (line,) = (text for text in answer_words(out) if text.startswith("Samples: "))
    assert detectable_words(30) in line
    assert "4 of 5" not in line
    assert "gains of 0.10, 0.20, 0.30 are found less often than in 80% of studies" in line


def test_the_terminal_says_each_thing_once(folder):
    """Model and source stand in "In short" and in "What next" of the page; of the latter the command is left."""
    path = folder / "summary.json"
    before = path.read_text()
    one = {"arm": "ridge", "source": "", "value": 0.3, "candidates": 3, "honest": 0.2, "path": "x", "id": "1"}
    path.write_text(json.dumps({**json.loads(before), "recommended": one}))
    words, page = answer_words(folder), report_of(folder)
    path.write_text(before)
    starts = [line.split(": ")[0] for line in words if not line.startswith("Data: ")]
    assert starts == ["Model", "Source", "How sure", "Predict", "Samples"]
    steps = next(one for one in page.sections if one.id == "next").blocks[0]
    assert [str(line[0]) for line in steps.lines][:2] == ["Model. ", "Source. "]


def test_what_next_names_the_command_and_what_to_mend(folder, tmp_path):
    words = answer_words(folder)
    assert any(f"tl_jax predict --study={folder} " in line for line in words)
    rows = [("worth a look", "three samples are alike", "leave one out"), ("blocking", "names differ", "rename them")]
    findings = folder / "findings.csv"
    pd.DataFrame(rows, columns=["severity", "text", "remedy"]).to_csv(findings, index=False)
    told = [line for line in answer_words(folder) if line.startswith("Data: ")]
    findings.unlink()
    assert told == ["Data: names differ: rename them.", "Data: three samples are alike: leave one out."]


def test_a_quick_look_is_stamped_and_asks_for_the_full_run(folder):
    path = folder / "summary.json"
    before = path.read_text()
    summary = json.loads(before)
    summary["settings"]["quick"] = True
    path.write_text(json.dumps(summary))
    verdict, made = verdict_words(folder), report_of(folder)
    path.write_text(before)
    assert made.title.startswith("QUICK LOOK, NOT A RESULT")
    assert verdict.startswith("QUICK LOOK, NOT A RESULT")
    (steps,) = next(one for one in made.sections if one.id == "next").blocks
    assert steps.lines[0][0] == "Full run. "


def test_words_of_the_page_are_explained_and_no_others(sections):
    terms, arms = sections["words"].blocks[0].blocks
    words = {row[0] for row in terms.rows}
    assert {"Spearman", "fold, repeat", "baseline"} <= words
    assert not {"Tanimoto", "pseudotime", "MCC"} & words
    assert {"scratch", "ridge", "l2_sp"} <= {row[0] for row in arms.rows}
    assert "random_forest" not in {row[0] for row in arms.rows}


def test_impossible_ends_are_cut_and_said():
    ends = farthest(get("spearman"))
    assert ends == (-2, 2)
    assert interval(-2.78, 3.1, "+.2f", ends) == f"-2.00 to +2.00 {CUT}"
    assert interval(-0.5, 0.5, "+.2f", ends) == "-0.50 to +0.50"
    assert farthest(get("rmse")) == (-np.inf, np.inf)


def test_absolute_paths_are_cut():
    assert short_paths("read /home/me/data/x.csv, and 5/10 of a/b") == "read \u2026/x.csv, and 5/10 of a/b"
    assert short_paths(r"C:\Users\me\x.csv") == "\u2026/x.csv"
    assert short_paths("results/mine/x.csv") == "results/mine/x.csv"

"""What the report says of the tables: its numbers are theirs, absent tables are named, bad ones refused in one line."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
from pages import Page
from selection import some
from studies import write_study

from tl_jax.evaluation.statistics.paired import corrected_t
from tl_jax.report.page.page import report_page
from tl_jax.report.sections.contract import TABLES
from tl_jax.report.sections.entries import SECTIONS
from tl_jax.report.sections.study import read_study

# Table that is removed -> section that goes with it; the other tables of a section keep it.
ALONE = {"comparisons": "gain", "gain_map": "gain-map", "predictions": "observed", "prediction_intervals": "intervals"}
ALONE |= {"history": "losses", "transferability": "sources", "variance": "spread", "lineage": "lineage"}
ALONE |= {"samples": "samples", "effects": "effects", "source_test": "source-test", "pathways": "pathways"}
ORDINARY = {"metrics", "comparisons", "predictions", "history", "gene_weights"}


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """These tests read words; pictures would take seconds each."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study") / "whole")


@pytest.fixture(scope="module")
def study(whole):
    return read_study(whole)


@pytest.fixture(scope="module")
def made(study):
    """The page of the whole study, without pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        return Page(report_page(study))


@pytest.fixture
def folder(whole, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(whole, tmp_path / "out")


def page(folder):
    return Page(report_page(read_study(folder)))


def shown(made):
    """(sections that stand, what is said of the others)."""
    lists = [one["children"][1]["children"][1] for one in made.all("section", id="absent")]
    left_out = [item["text"] for one in lists for item in one["children"]]
    return [s["attrs"]["id"] for s in made.all("section")], left_out


def read(folder, name):
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values={"value": [""]})


def test_a_difference_is_that_of_the_metrics(whole, made):
    """The first row of the table, computed anew from metrics.csv."""
    head, rows = made.table("Each arm minus scratch: Spearman per fold, protocol honest")
    assert head[-1] == "Cliff's delta"  # three repeats: the naive test over them can show nothing
    metrics = read(whole, "metrics")
    metrics = metrics[(metrics["metric"] == "spearman") & (metrics["protocol"] == "honest")]
    metrics = metrics[metrics["fold"] != "pooled"]
    wide = metrics.pivot(index=["repeat", "fold"], columns=["arm", "source"], values="value")
    sizes = metrics.drop_duplicates(["repeat", "fold"])
    for row in rows[:6]:
        test = wide[(row[0], row[1])] - wide[("scratch", "")]
        result = corrected_t(test.to_numpy(float), sizes["n_test"].mean() / sizes["n_train"].mean())
        assert row[2] == f"{test.mean():+.2f}".replace("-0.00", "0.00").replace("+0.00", "0.00")
        assert row[3] == f"{result.low:+.2f} to {result.high:+.2f}"
        assert float(row[4]) == pytest.approx(result.p, abs=6e-4)
    assert [row[0] for row in rows[6:]] == ["marker_gene", "ridge", "mean"]


def test_a_cell_of_the_map_is_grey_exactly_where_its_interval_holds_zero(whole, made):
    gains = read(whole, "gain_map")
    cells = [td for td in made.all("td") if set(td["attrs"].get("class", "").split()) & {"open", "gain", "loss"}]
    cells = [td for td in cells if "n" in td["attrs"]["class"].split()]
    assert len(cells) == len(gains)
    kinds = [td["attrs"]["class"].split()[1] for td in cells]
    low, high = gains["ci_low"], gains["ci_high"]
    assert kinds.count("open") == ((low <= 0) & (high >= 0)).sum() > 0
    assert kinds.count("gain") == (low > 0).sum() > 0
    assert kinds.count("loss") == (high < 0).sum() > 0
    for cell, kind in zip(cells, kinds, strict=True):
        assert cell["text"].startswith({"open": "(", "gain": "\u25b2", "loss": "\u25bc"}[kind])
    assert sum("*" in cell["text"] for cell in cells) == ((gains["p_holm"] < 0.05) & (low > 0)).sum()


def test_coverage_is_counted_from_the_intervals(whole, made):
    table = read(whole, "prediction_intervals")
    table = table[table["protocol"] == "honest"]
    held = (table["low"] <= table["y_true"]) & (table["y_true"] <= table["high"])
    _, rows = made.table("How often the intervals hold the observed value")
    for row in rows:
        mask = (table["arm"] == row[0]) & (table["source"] == row[1].replace("\N{EN DASH}", ""))
        assert row[5] == f"{held[mask].mean():.0%}"


def test_arms_are_summarised_per_protocol_honest_first(whole, made):
    caption = "RMSE and MAE in the unit of the response (AUC), means over folds"
    first, others = (made.table(f"{caption}{end}")[1] for end in ("; 10 of 20 rows", ": the others"))
    assert [row[2] for row in first] == ["honest"] * 10
    assert [row[2] for row in others] == ["as_published"] * 10
    rows = [*first, *others]
    metrics = read(whole, "metrics")
    chosen = (metrics[["arm", "protocol", "metric"]] == ["ridge", "as_published", "rmse"]).all(axis=1)
    value = metrics.loc[chosen & (metrics["fold"] != "pooled"), "value"].mean()
    ridge = next(row for row in rows if row[:3] == ["ridge", "\N{EN DASH}", "as_published"])
    assert float(ridge[7]) == pytest.approx(value, rel=5e-3)


def test_lineage_is_a_tree(made):
    tree = made.all("ul", class_="tree")[0]
    roots = {item["children"][0]["text"] for item in tree["children"]}
    assert roots == {"target: target, Temozolomide", "source: source, Oxaliplatin", "source: source, nervous_system"}
    branch = next(item for item in tree["children"] if "root-Oxaliplatin" in item["text"])
    assert "copy_layer1-Oxaliplatin" in branch["text"]
    assert "nervous_system" not in branch["text"]


def test_the_model_card_follows_the_tables(folder, made):
    card = made.all("section", id="card")[0]["text"]
    assert "Not for clinical decisions." in card
    assert "3 repeats of 3-fold cross-validation on 22 samples, 7 to 8 held out in a fold; 10 arms, 6 of which" in card
    assert "9 of 90 fold values are undefined" in card
    assert "Not tested against permuted labels" not in card
    assert "simulated" not in card
    (folder / "permutations.csv").unlink()
    summary = json.loads((folder / "summary.json").read_text())
    summary["cohort"]["name"], summary["settings"]["quick"] = "simulated", True
    (folder / "summary.json").write_text(json.dumps(summary))
    card = page(folder).all("section", id="card")[0]["text"]
    for line in ("Not tested against permuted labels", "The data are simulated", "A quick run"):
        assert line in card


@pytest.mark.parametrize(
    "name", some(sorted(set(TABLES) - {"metrics", "source_drugs"}), "gain_map", "history", "lineage")
)
def test_any_table_may_be_absent(name, study):
    tables = {key: frame for key, frame in study.tables.items() if key != name}
    anchors, said = shown(Page(report_page(replace(study, tables=tables))))
    lost = {s.anchor for s in SECTIONS} - set(anchors)
    assert lost == ({ALONE[name]} if name in ALONE else set())
    assert len(said) == len(lost)
    assert not said or f"{name}.csv" in said[0]


def test_an_empty_table_is_as_good_as_none(folder):
    for name in ("variance", "history"):
        pd.DataFrame(columns=[*TABLES[name].text, *TABLES[name].numbers]).to_csv(folder / f"{name}.csv", index=False)
    (folder / "gain_map.csv").write_text("")
    assert not {"variance", "history", "gain_map"} & set(read_study(folder).tables)
    assert len(shown(page(folder))[1]) == 3


def test_an_ordinary_experiment_needs_none_of_a_studys_tables(folder):
    for name in set(TABLES) - ORDINARY:
        (folder / f"{name}.csv").unlink(missing_ok=True)
    summary = json.loads((folder / "summary.json").read_text())
    stage = {"id": "a1", "path": "/x/source-gdsc-drug-scratch-a1", "ancestors": [], "recipe": {"epochs": 5}}
    summary["stages"] = [stage, {**stage, "id": "b2", "path": "target-t-d-copy_layer1-b2", "ancestors": ["a1"]}]
    (folder / "summary.json").write_text(json.dumps(summary))
    made = page(folder)
    anchors, said = shown(made)
    kept = [
        "answer",
        "next",
        "gain",
        "arms",
        "observed",
        "losses",
        "genes",
        "lineage",
        "data",
        "settings",
        "notes",
        "card",
        "files",
        "words",
    ]
    assert anchors == [*kept, "absent"]
    assert len(said) == 11
    root = made.all("ul", class_="tree")[0]["children"][0]
    assert root["children"][0]["text"] == "source-gdsc-drug-scratch"
    assert "target-t-d-copy_layer1" in root["children"][-1]["text"]


def test_metrics_alone_make_a_page(folder):
    for path in folder.iterdir():
        if path.name != "metrics.csv":
            path.unlink()
    made = page(folder)
    assert shown(made)[0] == ["next", "arms", "card", "files", "words", "absent"]
    assert "no transfer was compared" in made.all("p", id="verdict")[0]["text"]


def test_drugs_and_genes_may_be_called_na(folder):
    frame = read(folder, "gene_weights")
    frame.loc[frame["scratch"].idxmax(), "gene"] = "NA"
    frame.to_csv(folder / "gene_weights.csv", index=False)
    _, rows = page(folder).table("The 10 genes with the largest")
    assert rows[0][1].startswith("NA, ")


@pytest.mark.parametrize("content", [{"settings": 3, "data": {"x": 4}, "notes": "n", "stages": [1]}, {}, {"data": [1]}])
def test_a_strange_summary_breaks_nothing(folder, content):
    (folder / "summary.json").write_text(json.dumps(content))
    assert "card" in shown(page(folder))[0]


@pytest.mark.slow
def test_a_large_study_stays_below_five_megabytes(tmp_path, monkeypatch):
    """9 sources x 10 strategies x 30 folds; recorded in docs/report.md."""
    monkeypatch.undo()
    strategies = [f"strategy_{k}" for k in range(10)]
    sources = [f"Source drug {k}" for k in range(9)]
    folder = write_study(tmp_path / "large", sources, strategies, repeats=10, samples=58)
    text = report_page(read_study(folder))
    assert len(text.encode()) < 5e6
    assert len(Page(text).all("svg", "img")) == 18  # each picture wide and narrow
    for end, count in (("; 10 of 93 rows", 10), (": the others", 83)):
        caption = f"Each arm minus scratch: Spearman per fold, protocol honest{end}"
        assert len(Page(text).table(caption)[1]) == count

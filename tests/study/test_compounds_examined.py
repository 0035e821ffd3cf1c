"""What is examined beside the arms of compounds: permuted labels by hand, and a choice that never sees the test set."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score
from sklearn.svm import SVC

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from pages import Page

from tl_jax.data.compounds.chemical_splits import balanced_draws
from tl_jax.errors import InputError
from tl_jax.study.compounds.examined import draw_all
from tl_jax.study.compounds.outputs import write_dti
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.compounds.study import load_setup, run_dti
from tl_jax.study.compounds.tables import judged, metrics, printed
from tl_jax.study.core.examine import draw_examination
from tl_jax.study.core.settings import Extras

pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")

SIZE, COUNT = 24, 19
ARMS = ("scratch", "svc")
ASKED = Extras(ARMS, COUNT, levels=2, nested=ARMS)
SMALL = {"hidden": (8, 4), "repeats": 2, "sizes": (SIZE,), "epochs": 2, "source_epochs": 2, "batch_size": 32}


def make(folder, **changes):
    own = {"methods": ("scratch", "shallow"), "shallow": ("svc",), "learning_rate": 1e-2, "quick": True}
    return DtiSettings(**{**SMALL, **own, "checkpoint_dir": str(folder), **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examined")


@pytest.fixture(scope="module")
def setup(folder):
    return load_setup(make(folder))


@pytest.fixture(scope="module")
def study(folder, setup):
    return run_dti(make(folder, extras=ASKED), setup)


@pytest.fixture(scope="module")
def plain(folder, setup):
    return run_dti(make(folder), setup)


def calls(x, y, train, test, seed):
    return SVC(random_state=seed).fit(x[train], y[train]).predict(x[test])


def test_permutations_of_a_classifier_by_hand(study):
    setup, seed = study.setup, study.settings.seed
    x, true, pool, test = setup.target.x, setup.target.response, setup.split.train, setup.split.test
    null = []
    for number in range(1, COUNT + 1):
        y, rng = true.copy(), np.random.default_rng([seed, number])
        for rows in (pool, test):
            order = rows[np.argsort(setup.target.groups[rows])]  # groups are shuffled in the order of their names
            y[order] = true[order][rng.permutation(len(order))]
        train = balanced_draws(y, pool, SIZE, 1, seed + number)[0]
        null.append(matthews_corrcoef(y[test], calls(x, y, train, test, seed + 100_000 + number)))
    seen = matthews_corrcoef(true[test], calls(x, true, setup.draws[SIZE][0], test, seed))
    row = study.examined["permutations"].set_index("arm").loc["svc"]
    assert row["size"] == SIZE
    np.testing.assert_allclose([row.observed, row.null_mean], [seen, np.mean(null)], atol=1e-9)
    assert row.p == (1 + sum(value >= seen for value in null)) / (1 + COUNT)


def test_either_part_keeps_its_actives(study):
    setup = study.setup
    true, permuted = setup.target.response, draw_all(study.settings, setup)[0][SIZE][1].permuted
    assert len(permuted.folds) == COUNT
    for f in permuted.folds:
        for rows in (setup.split.train, setup.split.test):
            assert f.y[rows].sum() == true[rows].sum()
        assert not np.array_equal(f.y, true)
        assert f.y[f.fold.train].mean() == 0.5
        assert set(f.fold.train) <= set(setup.split.train)
        np.testing.assert_array_equal(f.fold.test, setup.split.test)


def test_the_nested_choice_never_sees_the_test_compounds(study):
    setup = study.setup
    y = setup.target.y.copy()
    y[setup.split.test] = 1 - y[setup.split.test]
    other = dataclasses.replace(setup, target=dataclasses.replace(setup.target, y=y))
    inner, flipped = (draw_all(study.settings, one)[0][SIZE][1].inner for one in (setup, other))
    assert len(inner.folds) == 2 * 3
    for k, (f, changed) in enumerate(zip(inner.folds, flipped.folds, strict=True)):
        rows = np.sort(np.concatenate([f.fold.train, f.fold.test]))
        np.testing.assert_array_equal(rows, setup.draws[SIZE][k // 3])
        np.testing.assert_array_equal(f.fold.test, changed.fold.test)
        assert f.y[f.fold.test].mean() == 0.5
    again = run_dti(study.settings, other)
    pd.testing.assert_frame_equal(again.examined["nested_choices"], study.examined["nested_choices"])


def test_the_nested_choice_predicts_as_what_it_chose(study):
    found = study.probabilities["", "nested_choice", SIZE]
    choices = study.examined["nested_choices"]
    assert list(choices["draw"]) == [0, 1]
    for row in choices.itertuples():
        np.testing.assert_array_equal(found[row.draw], study.probabilities[row.source, row.arm, SIZE][row.draw])
    assert set(metrics(study)["arm"]) == {*ARMS, "nested_choice"}


def test_the_spread_of_networks_alone_is_split(study):
    found = study.examined["variance"]
    assert set(found["arm"]) == {"scratch"}
    assert {"partition", "initialisation", "batch order"} <= set(found["component"])
    varied = draw_all(study.settings, study.setup)[0][SIZE][1].varied
    assert len({(f.fold.train.tobytes(), f.draws) for f in varied.folds}) == 2**3


def test_nothing_asked_leaves_every_number(study, plain, tmp_path):
    assert plain.examined == {}
    for key, p in plain.probabilities.items():
        np.testing.assert_array_equal(p, study.probabilities[key])
    for name, results in (("plain", plain), ("study", study)):
        (tmp_path / name).mkdir()
        write_dti(results, judged(results), tmp_path / name)
    more = {"permutations.csv", "nested_choices.csv", "variance.csv"}
    left, right = ({path.name for path in (tmp_path / name).glob("*.csv")} for name in ("plain", "study"))
    assert right - left == more


def test_the_page_shows_what_was_examined(study, tmp_path):
    assert write_dti(study, judged(study), tmp_path) == []
    page = Page((tmp_path / "report.html").read_text())
    head, rows = page.table("Labels permuted")
    assert head[:3] == ["arm", "training compounds", "MCC"]
    for row in study.examined["permutations"].itertuples():
        shown = next(cells for cells in rows if cells[0] == row.arm)
        assert (shown[1], shown[2]) == (str(SIZE), f"{row.observed:.2f}".replace("-0.00", "0.00"))
    head, rows = page.table("What the choice by inner folds took")
    counts = study.examined["nested_choices"].groupby("arm").size()
    assert {row[0]: int(row[head.index("chosen in draws")]) for row in rows} == counts.to_dict()
    assert [row[0] for row in page.table("Share of each component")[1]] == ["scratch"]


def test_judged_by_auroc(folder, setup, plain, tmp_path):
    """The other metric decides what is permuted and what the page shows."""
    asked = make(folder, methods=("shallow",), extras=Extras(("svc",), COUNT), metric="auroc")
    study = run_dti(asked, setup)
    truth = setup.target.response[setup.split.test]
    row = study.examined["permutations"].set_index("arm").loc["svc"]
    assert row.observed == pytest.approx(roc_auc_score(truth, study.probabilities["", "svc", SIZE][0]))
    by_auroc = dataclasses.replace(plain, settings=dataclasses.replace(plain.settings, metric="auroc"))
    tables = judged(by_auroc)
    pd.testing.assert_frame_equal(tables["comparisons"], judged(plain)["comparisons"])
    assert "mean AUROC on" in printed(by_auroc, tables["arms"])
    write_dti(by_auroc, tables, tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    head, rows = page.table("Each arm minus scratch")
    one = tables["comparisons"].query("metric == 'auroc' and reference == 'scratch'").set_index("arm")["mean"]
    assert {row[0]: float(row[head.index("AUROC")]) for row in rows} == pytest.approx(one.to_dict(), abs=0.006)
    assert "MCC" not in head
    with pytest.raises(InputError, match="--metric=rmse: there are: mcc, auroc"):
        make(folder, metric="rmse")


def test_what_a_size_cannot_have_is_said_before_training(folder):
    settings = make(folder, sizes=(2, SIZE), extras=dataclasses.replace(ASKED, levels=0))
    drawn, left_out = draw_all(settings, load_setup(settings))
    assert [text.partition(":")[0] for text in left_out] == ["at 2 compounds the nested choice left out"]
    assert (drawn[2][1].inner, drawn[SIZE][1].inner is None) == (None, False)


def test_given_folds_are_left_out_with_a_remark(setup):
    found = draw_examination(setup.on([(SIZE, 0), (SIZE, 1)]), ASKED)
    assert (found.inner, found.permuted, len(found.left_out)) == (None, None, 2)
    assert "its folds were given" in found.left_out[0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"extras": Extras(("mode1",), COUNT)}, "--examined=mode1: no arm of this study"),
        ({"extras": Extras(nested=("forest",))}, "--nested=forest: no arm of this study"),
        ({"extras": Extras(permutations=COUNT)}, "--permutations changes nothing without --examined"),
        ({"extras": Extras(ARMS)}, "--examined changes nothing without"),
        ({"extras": ASKED, "epoch": "validation"}, "--epoch=fixed"),
        ({"extras": ASKED, "protocol": "as_published"}, "--protocol=honest"),
    ],
)
def test_what_makes_no_sense_is_refused(folder, setup, changes, text):
    with pytest.raises(InputError, match=text):
        run_dti(make(folder, **changes), setup)

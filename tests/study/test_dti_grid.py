"""A grid search: points that share a program are what they are alone, and no test label reaches the choice."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from tl_jax.errors import InputError
from tl_jax.study.compounds.grid import Grid, best, inner_folds, judge, judged, load_pool, programs, search_all
from tl_jax.study.compounds.grid_settings import PUBLISHED, SUBSET, GridSettings, Point, Space
from tl_jax.study.compounds.settings import DtiSettings
from tl_jax.study.core.arms import Arm, How, train_arms
from tl_jax.system.parts import Parts
from tl_jax.transfer import strategies

pytest.importorskip("rdkit")
# Two runs per call, so that every search of a program, of however many runs, is the same compiled program.
SPACE = Space(layers=(1,), widths=(8,), batches=(64, 512), rates=(0.001, 0.01), dropouts=(0.1,), epochs=(3, 6))


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    base = DtiSettings(methods=("scratch",), at_once=2, checkpoint_dir=str(tmp_path_factory.mktemp("grid")))
    return GridSettings(base, SPACE, folds=2, rows=200)


@pytest.fixture(scope="module")
def pool(settings):
    return load_pool(settings)


@pytest.fixture(scope="module")
def table(settings, pool):
    return search_all(Grid(pool, settings))


def alone(point, pool, settings):
    """Per inner fold, the probabilities of a point that is trained by itself, to its own epoch and batch size."""
    own = settings.at(point)
    arm = Arm("one", "", strategies.get("scratch"), None, own.recipe, own.recipe.fit_config(curves=False))
    problem = Grid(pool, settings).problem
    (found,), folds = train_arms(problem, [arm], How(own.network, own.seed)), problem.folds
    return [expit(np.float64(row[-1, : len(f.fold.test)])) for f, row in zip(folds, found.prediction, strict=True)]


def test_a_row_of_the_table_is_the_point_trained_alone(table, pool, settings):
    """With no readings in between, and a batch size beyond the rows as it is: the same calls and order of compounds."""
    assert len(table) == 8
    point = Point(1, 8, 512, 0.01, 0.1, 3)
    truth = [pool.domain.response[fold.test] for fold in pool.folds]
    p = alone(point, pool, settings)
    values = {
        "mcc": [matthews_corrcoef(y, one > 0.5) for y, one in zip(truth, p, strict=True)],
        "auroc": [roc_auc_score(y, one) for y, one in zip(truth, p, strict=True)],
    }
    row = table[(table[list(Point._fields)] == list(point)).all(axis=1)].iloc[0]
    for name, own in values.items():
        assert row[name] == pytest.approx(np.mean(own), abs=1e-12)
        assert row[f"{name}_sd"] == pytest.approx(np.std(own, ddof=1), abs=1e-12)
    assert np.std(values["auroc"]) > 0


def test_batches_that_hold_all_rows_are_one_program(pool, settings, table):
    points = SPACE.points()
    shared = programs([point._replace(batch=batch) for point in points for batch in (64, 99, 100, 512)], pool.longest)
    assert [program.batch for program in shared] == [64, 99, 100]
    assert settings.at(Point(3, 16, 512, 0.01, 0.1, 4)).hidden == (16, 16, 16)
    assert settings.at(points[-1]).batch_size == 512  # the chosen point sees more rows, and has its own batches


def written(table, path):
    table.to_csv(path, index=False)
    return str(path)


def test_test_labels_change_neither_the_table_nor_the_choice(settings, tmp_path, pool, table):
    from tl_jax.data.compounds.simulate_compounds import simulated_table

    rows = simulated_table()
    held_out = set(pool.compounds.ids[pool.test])
    tests = rows.index[(rows["family"] == "alpha") & rows["compound_id"].isin(held_out)]
    other = rows.copy()
    other.loc[tests, "label"] = np.random.default_rng(0).permutation(rows.loc[tests, "label"])
    assert (other["label"] != rows["label"]).sum() > 20
    found = {}
    for name, frame in (("as they are", rows), ("permuted", other)):
        base = replace(settings.base, data=written(frame, tmp_path / f"{name}.csv"), target="alpha")
        own = replace(settings, base=base)
        there = load_pool(own)
        searched = search_all(Grid(there, own))
        point = best(searched, "mcc")
        found[name] = searched, point, judged(there, judge(there, own, point, None))
    one, two = found.values()
    pd.testing.assert_frame_equal(one[0], two[0], check_exact=True)
    pd.testing.assert_frame_equal(one[0], table, check_exact=True)
    assert one[1] == two[1]
    assert (one[2] != two[2]).any(axis=None)


class Stopped(Exception):
    pass


class Counting(Parts):
    """Parts that stop the search after some are written."""

    left = 0

    def save(self, number, arrays):
        super().save(number, arrays)
        Counting.left -= 1
        if Counting.left == 0:
            raise Stopped


def test_a_stopped_search_goes_on_to_the_same_table(settings, pool, table, tmp_path, monkeypatch):
    monkeypatch.setattr("tl_jax.study.core.arms.parts_of", lambda work, label: Counting(work / label))

    def search(after):
        Counting.left = after
        return search_all(Grid(pool, settings, tmp_path))

    with pytest.raises(Stopped):
        search(after=3)  # two calls per program of four runs
    again = search(after=10)
    assert Counting.left == 10 - 1  # four calls, three of which were kept
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    search(after=10)
    assert Counting.left == 10


def test_inner_folds_are_stratified_and_hold_the_pool_alone(pool, settings):
    y = pool.domain.response
    tested = np.concatenate([fold.test for fold in pool.folds])
    np.testing.assert_array_equal(np.sort(tested), pool.rows)
    assert len(pool.rows) == 200
    assert not np.isin(pool.test, pool.rows).any()
    for fold in pool.folds:
        assert y[fold.test].mean() == 0.5  # the draw is balanced
        np.testing.assert_array_equal(np.sort(np.concatenate([fold.train, fold.test])), pool.rows)
    (one,) = inner_folds(y[pool.rows], pool.rows, pool.rows, replace(settings, folds=1))
    assert len(one.test) == 40


def test_by_scaffold_no_scaffold_is_on_both_sides(settings):
    from tl_jax.data.compounds.molecules import scaffolds

    own = replace(settings, base=replace(settings.base, split="scaffold"), rows=None)
    pool = load_pool(own)
    names = np.asarray(scaffolds(list(pool.compounds.smiles)))
    for fold in pool.folds:
        assert not set(names[fold.train]) & set(names[fold.test])
    assert not set(names[pool.rows]) & set(names[pool.test])


def test_a_part_with_one_class_is_refused(settings):
    y = np.repeat([1.0, 0.0], 6)
    groups = np.r_[np.zeros(6, int), np.arange(1, 7)]  # all actives share a scaffold
    with pytest.raises(InputError, match="holds one class only; use fewer --folds"):
        inner_folds(y, groups, np.arange(12), settings)


def rows_of(*values):
    points = [Point(1, 8, 64, 0.01, 0.1, epochs) for epochs in range(1, len(values) + 1)]
    return pd.DataFrame([{**point._asdict(), "mcc": value} for point, value in zip(points, values, strict=True)])


def test_the_best_is_finite_and_the_first_of_equals():
    assert best(rows_of(np.nan, 0.3, 0.5, 0.5), "mcc") == Point(1, 8, 64, 0.01, 0.1, 3)
    with pytest.raises(InputError, match="every point diverged"):
        best(rows_of(np.nan, np.nan), "mcc")


def test_a_point_that_diverges_on_one_fold_is_nowhere(pool, settings):
    from tl_jax.study.compounds.grid import measured

    folds = Grid(pool, settings).problem.folds
    logits = np.random.default_rng(0).normal(size=(2, 3, len(pool.folds[0].test)))
    logits[1, 2, 5] = np.nan
    found = measured(folds, logits)
    for values in found.values():
        assert np.argwhere(np.isnan(values)).tolist() == [[1, 2]]


def test_the_published_grid():
    points = PUBLISHED.points()
    assert len(points) == len(set(points)) == 8400
    shared = programs(points, 10_000)
    assert len(shared) == 112
    assert {len({(p.rate, p.dropout) for p in own}) for own in shared.values()} == {15}
    assert len(SUBSET.points()) == 2 * 2 * 3 * 2 * 5 * 1
    assert set(SUBSET.points()) < set(points)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: replace(s, folds=0), "--folds=0"),
        (lambda s: replace(s, objective="f1"), "--objective=f1"),
        (lambda s: replace(s, space=Space(widths=())), "--widths="),
        (lambda s: replace(s, space=Space(dropouts=(0.1, 1.0))), "--dropouts=1.0"),
        (lambda s: replace(s, space=Space(rates=(-1.0,))), "--rates=-1.0"),
        (lambda s: load_pool(replace(s, rows=10_000)), "no balanced draw of 10000"),
        (lambda s: load_pool(replace(s, rows=4, folds=3)), "2 compounds of its rarer class, too few for 3"),
    ],
)
def test_bad_settings_are_one_line(settings, change, said):
    with pytest.raises(InputError, match=r"^[^\n]*$") as error:
        change(settings)
    assert said in str(error.value)


def test_a_family_that_is_not_there_is_named(settings):
    with pytest.raises(InputError, match=r"--family=kinase: no family of .*; there are: alpha, beta, gamma"):
        load_pool(replace(settings, base=replace(settings.base, target="kinase")))

"""Gene sets of a user's file: what is read and refused, the arm on their scores, and the effects by set."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.genes.sets import places, read_sets
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import ridge
from tl_jax.evaluation.predictors.drug_profile import standardised
from tl_jax.evaluation.predictors.gene_sets import SCALER, pathways, shares
from tl_jax.report.sections import all_of
from tl_jax.study.cohort.outputs import write_outputs
from tl_jax.study.cohort.pathways import enrichment, known_sets, scores
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.arms import fitted


def gmt(path, sets) -> str:
    path.write_text("".join("\t".join((name, "made up", *genes)) + "\n" for name, genes in sets.items()))
    return str(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A\tnone\n", "line 1: a set is a name, a description and genes"),
        ("A\tx\tEGFR\nA\ty\tKIT\n", "line 2: 'A' was a set before"),
        ("\n", "no set is in it"),
    ],
)
def test_files_that_are_refused(tmp_path, text, words):
    (tmp_path / "own.gmt").write_text(text)
    with pytest.raises(InputError, match=words):
        read_sets(str(tmp_path / "own.gmt"), "pathways")
    with pytest.raises(InputError, match=r"--pathways=.*none.gmt: cannot be read"):
        read_sets(str(tmp_path / "none.gmt"), "pathways")


def test_genes_go_by_their_name_or_by_what_it_means_today(tmp_path):
    sets = read_sets(gmt(tmp_path / "own.gmt", {"A": ["KIT", "HER2", "KIT", "nowhere", ""]}), "pathways")
    assert sets == {"A": ("KIT", "HER2", "nowhere")}
    assert places(sets, np.array(["ERBB2", "MET", "KIT"]))["A"].tolist() == [0, 2]


def test_sets_of_too_few_genes_are_told(cohort, tmp_path):
    genes, target = cohort.genes.tolist(), cohort.stage("target")
    known = known_sets(gmt(tmp_path / "own.gmt", {"A": genes[:6], "B": genes[:4], "ALL": genes}), target)
    assert known.names == ("A",)
    assert "2 of 3 sets have fewer than 5 genes" in known.remark()
    assert "B" in known.remark()
    with pytest.raises(InputError, match=r"none of its 1 sets has 5 of the cohort's .* \('ENSG0'.* there"):
        known_sets(gmt(tmp_path / "other.gmt", {"A": [f"ENSG{k}" for k in range(9)]}), target)


def test_the_arm_is_a_ridge_on_means_of_z_scores_of_training_rows(cohort):
    """Against the same by hand, on a fold of the core; held-out rows lend nothing."""
    settings = Settings(hidden=(8, 4), repeats=1, folds=3, quick=True, strategies=("scratch",), baselines=("ridge",))
    problem = prepare(EXPERIMENTS["exp4_target"], settings, cohort).groups[0].problem
    domain, fold = problem.domain, problem.folds[0]
    sets = [np.arange(8), np.arange(5, 20)]
    found = fitted(pathways, domain, fold, scaler=SCALER, sets=sets)
    train, test = domain.x[fold.fold.train].astype(float), domain.x[fold.fold.test].astype(float)
    middle, sd = train.mean(axis=0), train.std(axis=0)
    each = [[((rows - middle) / sd)[:, own].mean(axis=1) for own in sets] for rows in (train, test)]
    expected = ridge(
        np.column_stack(each[0]), domain.response[fold.fold.train], np.column_stack(each[1]),
        groups=domain.groups[fold.fold.train],
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert shares(sets, 30).sum(axis=0) == pytest.approx([1, 1])


def test_effects_by_set_name_the_direction_of_the_response(cohort, tmp_path):
    domain = cohort.stage("target")
    genes = domain.genes
    known = known_sets(gmt(tmp_path / "own.gmt", {"UP": genes[:20].tolist(), "ELSE": genes[40:60].tolist()}), domain)
    z = standardised(domain.x)[0]
    effects = np.zeros(len(genes)) + np.random.default_rng(0).normal(scale=0.1, size=len(genes))
    effects[:20] += 1
    table = enrichment(known, effects, genes, domain, z, "ridge")
    assert table.loc[0, "set"] == "UP"
    assert table.loc[0, "above"] > 0.95
    assert table.loc[0, "p_adjusted"] == pytest.approx(2 * table.loc[0, "p"])
    turned = replace(domain, direction="sensitive" if domain.direction == "resistant" else "resistant")
    other = enrichment(known, effects, genes, turned, z, "ridge")
    assert {table.loc[0, "high_means"], other.loc[0, "high_means"]} == {"resistant", "sensitive"}
    assert enrichment(known, effects * (np.arange(len(genes)) < 25), genes, domain, z, "elastic_net") is None
    assert enrichment(known, effects, genes, domain, z, "pathways")["p"].isna().all()
    own = scores(known, domain, z).set_index(["sample_id", "set"])["score"]
    assert own[domain.samples[3], "UP"] == pytest.approx(z[3, :20].mean())


def test_a_study_writes_both_tables_and_its_page_shows_the_sets(cohort, tmp_path):
    genes = cohort.genes.tolist()
    file = gmt(tmp_path / "own.gmt", {f"SET{k}": genes[k * 10 : k * 10 + 10] for k in range(6)})
    settings = Settings(
        hidden=(8, 4), repeats=2, folds=3, quick=True, strategies=(), baselines=("mean", "ridge"), pathways=file,
        checkpoint_dir=str(tmp_path / "checkpoints"),
    )  # fmt: skip
    results = run_plan(prepare(EXPERIMENTS["exp4_target"], settings, cohort))
    assert {arm for arm, _ in results.arms.arms} == {"mean", "ridge", "pathways"}
    (tmp_path / "out").mkdir()
    write_outputs(results, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "pathways.csv")
    assert set(table["set"]) == {f"SET{k}" for k in range(6)}
    assert len(pd.read_csv(tmp_path / "out" / "pathway_scores.csv")) == 6 * len(cohort.stage("target"))
    (shown,) = (one for one in all_of(tmp_path / "out") if one.id == "pathways")
    text = " ".join("".join(map(str, line)) for block in shown.blocks[:2] for line in block.lines)
    # Nothing was chosen by inner folds here, so nothing says that the model predicts.
    assert "not shown to predict" in text
    assert "sets" in text


def test_a_changed_file_is_another_study_and_a_renamed_one_is_not(cohort, tmp_path):
    """What --resume compares is what the file holds."""
    genes = cohort.genes.tolist()
    one, other = gmt(tmp_path / "a.gmt", {"A": genes[:6]}), gmt(tmp_path / "b.gmt", {"A": genes[:6]})
    assert Settings(pathways=one).science() == Settings(pathways=other).science()
    before = Settings(pathways=one).science()
    gmt(tmp_path / "a.gmt", {"A": genes[:7]})
    assert Settings(pathways=one).science() != before
    assert Settings(pathways=one).as_dict()["pathways"] == one

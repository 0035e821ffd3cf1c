"""From two tables to an answer: what is planned, asked, refused and written, for one drug or several."""

import inspect

import numpy as np
import pandas as pd
import pytest
from scripting import script

import tl_jax as tl
from experiments.answer import main as answer_script
from tl_jax.data.genes.table import symbols
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.markers import EXPRESSION, listed, markers_of
from tl_jax.report.sections import verdict_words
from tl_jax.report.sections.compared import compared
from tl_jax.report.sections.registry import answer_words
from tl_jax.study.answer import answer as answered
from tl_jax.study.answer.answer import folders
from tl_jax.study.answer.tables import Tables, source_of
from tl_jax.study.cohort.models import model_of_study

FEW = 24
TOLD = ["--direction=resistant", "--quick", "--source=none"]


@pytest.fixture
def folder(tmp_path):
    """Two tables: 24 samples, 70 genes with MGMT among them, two drugs of which MGMT decides the first."""
    rng = np.random.default_rng(0)
    genes = ["MGMT", "SLFN11", *(name for name in sorted(symbols()) if name.isalnum())][:70]
    x = pd.DataFrame(rng.normal(7, 2, (FEW, len(genes))).round(3), columns=genes)
    x.index = pd.Index([f"T{k:02d}" for k in range(FEW)], name="sample")
    y = pd.DataFrame({"Temozolomide": x["MGMT"] + rng.normal(0, 0.3, FEW), "Cisplatin": rng.normal(size=FEW)})
    y.index = x.index
    (tmp_path / "my").mkdir()
    x.T.rename_axis("gene").to_csv(tmp_path / "my" / "expression.csv")
    y.round(3).to_csv(tmp_path / "my" / "screen.csv")
    # One batch that is all the resistant half to cisplatin, and one that goes with it a little (p = .02).
    halves = np.where(y["Cisplatin"] > y["Cisplatin"].median(), "run2", "run1")
    a_little = np.random.default_rng(82).permutation(np.repeat(["run1", "run2"], FEW // 2))
    for name, batch in (("halves", halves), ("a_little", a_little)):
        pd.DataFrame({"sample": x.index, "batch": batch}).to_csv(tmp_path / "my" / f"{name}.csv", index=False)
    other = x.copy()
    other.loc[a_little == "run2", other.columns[2:]] += rng.normal(0, 1.5, len(genes) - 2)
    other.round(3).T.rename_axis("gene").to_csv(tmp_path / "my" / "shifted.csv")
    return tmp_path


def command(folder, *more):
    return script("answer", "--expression=my/expression.csv", "--response=my/screen.csv", *TOLD, *more, folder=folder)


def test_it_plans_first_and_says_how_long(folder):
    code, _, err = command(folder, "--drug=Temozolomide", "--plan_only", "--out=out")
    assert code == 0, err
    assert "24 samples x 70 genes, no source" in err
    assert "about 1 min of one core" in err
    assert not (folder / "out").exists()
    assert not (folder / "checkpoints").exists() or not list((folder / "checkpoints").rglob("stage.json"))


def test_folds_are_as_many_as_asked(folder):
    code, _, err = command(folder, "--drug=Temozolomide", "--plan_only", "--folds=4", "--out=out")
    assert code == 0, err
    assert "2 x 4 folds" in err


def test_a_batch_that_goes_with_the_second_drug_is_found(folder):
    """The check of the first drug alone said that all was ready."""
    code, _, err = command(folder, "--drug=all", "--annotation=my/halves.csv", "--plan_only", "--out=out")
    assert code == 2
    assert "batch goes with Cisplatin in target" in err
    assert "--drug=Temozolomide leaves out what is not ready" in err
    assert "the drug to predict is" not in err


def test_the_advice_against_a_batch_can_be_followed(folder):
    """It named no flag of this command, and was blocked as before where it was followed."""
    flags = ("--drug=Cisplatin", "--annotation=my/halves.csv", "--plan_only", "--out=out")
    code, _, err = command(folder, *flags)
    assert code == 2
    assert "hold out whole batches (--groups=COLUMN" in err
    code, _, err = command(folder, *flags, "--groups=batch")
    assert code == 2
    assert "24 samples in 2 groups are too few for 3 folds; use fewer folds (--folds=N)" in err
    code, _, err = command(folder, *flags, "--groups=batch", "--folds=2", "--split=plain")
    assert code == 0, err
    assert "group_column = 'batch', batch_column = 'batch'" in err
    assert "folds hold out whole batches" in err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ["--drug=Temozolomide", "--source_drug=Cisplatin"],
            "--source_drug=Cisplatin changes nothing without a source",
        ),
        (["--drug=Temozolomide", "--folds=1"], "--folds=1: at least 2 are needed"),
        (["--drug=Temozolomide", "--groups=batch"], "--groups=batch: my/screen.csv has no such column"),
        (["--drug=Temozolamide"], "has no drug 'Temozolamide'"),
        (["--drug=Temozolomide", "--signature=my/screen.csv"], "--signature=my/screen.csv: one gene name a line"),
        (["--drug=Temozolomide", "--source=gdsk"], "unknown cohort 'gdsk'"),
    ],
)
def test_what_is_refused_leaves_nothing(folder, flags, words):
    code, _, err = command(folder, *flags, "--out=out")
    assert code == 2
    assert words.split("; ")[0] in err
    assert not (folder / "out").exists()


@pytest.mark.full
def test_a_complete_answer_is_of_its_drugs_and_flags(folder, monkeypatch):
    """Of one drug and of several the whole records differ; the flag that did it is what is said."""
    monkeypatch.setattr(answered, "run", lambda drugs, *_: drugs)
    monkeypatch.setattr(answered, "write", lambda _, place, **__: (place / "summary.json").write_text("{}") and [])
    both = ("--drug=Temozolomide,Cisplatin", "--out=out")

    def said(*flags):
        code, _, err = command(folder, *flags, "--resume")
        return code, err.splitlines()[-1]

    assert said(*both)[0] == 0
    assert said("--drug=Cisplatin,temozolomide", "--out=out") == (0, "out is complete already")
    code, line = said("--drug=Cisplatin", "--out=out")
    assert code == 2
    assert '(--drug: ["Cisplatin", "Temozolomide"] -> ["Cisplatin"]);' in line
    code, line = said(*both, "--folds=4")
    assert code == 2
    assert "(--folds: null -> 4);" in line
    code, line = said(*both, "--response_keys=unit = 'AUC'")
    assert code == 2
    assert '(--response_keys: "" -> "unit = \'AUC\'");' in line


def test_the_marker_is_an_arm_and_several_drugs_are_one_study(folder):
    """MGMT decides temozolomide here and nothing decides cisplatin; the page over both says so."""
    code, out, err = command(
        folder, "--drug=all", "--expression=my/shifted.csv", "--annotation=my/a_little.csv", "--out=out"
    )
    assert code == 0, err
    table = pd.read_csv(folder / "out" / "drugs.csv", index_col="drug")
    assert table.loc["Temozolomide", "arm"] == "marker:MGMT"
    assert table.loc["Temozolomide", "value"] > 0.8
    assert {"marker:SLFN11"} <= set(pd.read_csv(folder / "out" / "Cisplatin" / "metrics.csv")["arm"])
    assert "of 2 drugs have a model that is shown to predict" in verdict_words(folder / "out")
    page = (folder / "out" / "report.html").read_text()
    assert 'href="Temozolomide/report.html"' in page
    assert table["batches"].fillna("").to_dict() == {"Temozolomide": "", "Cisplatin": "go with the response"}
    for drug, said in (("Temozolomide", False), ("Cisplatin", True)):
        assert any(line.startswith("Batches: ") for line in answer_words(folder / "out" / drug)) is said
    effects = pd.read_csv(folder / "out" / "Temozolomide" / "effects.csv")
    assert effects.loc[0, ["gene", "high_means", "known"]].tolist() == ["MGMT", "resistant", "as known"]
    assert "report: out/report.html" in out
    # The page of each drug bears its own name: that of the second once stood on both.
    for drug in ("Temozolomide", "Cisplatin"):
        assert (
            f"<title>QUICK LOOK, NOT A RESULT: shifted: {drug}" in (folder / "out" / drug / "report.html").read_text()
        )
    with pytest.raises(InputError, match="out holds several drugs; name the folder of one in it"):
        compared([folder / "out", folder / "out" / "Cisplatin"])
    with pytest.raises(InputError, match="holds several drugs"):
        model_of_study(folder / "out")
    # A model of one gene needs that gene alone.
    pd.read_csv(folder / "my" / "expression.csv", index_col=0).loc[["MGMT"]].to_csv(folder / "one.csv")
    code, _, err = script(
        "predict", "--study=out/Temozolomide", "--expression=one.csv", "--out=new.csv", "--interval=0.8", folder=folder
    )
    assert code == 0, err
    assert len(pd.read_csv(folder / "new.csv")) == FEW


@pytest.mark.full
def test_the_same_from_python(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = tl.answer(
        "my/expression.csv", "my/screen.csv", drug="Temozolomide", direction="resistant", source="none", quick=True,
        out="out", scaling="standard", split="plain", parquet=True,
    )  # fmt: skip
    settings = found.studies["Temozolomide"].results.plan.settings
    assert (settings.scaling, settings.split) == ("standard", "plain")
    with pytest.raises(InputError, match=r"--scaling=none: there are"):
        tl.answer("my/expression.csv", "my/screen.csv", direction="resistant", scaling="none", out="other")
    assert list(found.studies) == ["Temozolomide"]
    assert found.studies["Temozolomide"].results.recommended.arm == "marker:MGMT"
    assert (folder / "out" / "report.html").is_file()
    assert any("samples are in both tables" in line for line in found.remarks)
    own = found.studies["Temozolomide"].results.settings
    assert (own.scaling, own.split) == ("standard", "plain")
    assert (folder / "out" / "metrics.parquet").is_file()


def test_python_takes_what_the_command_takes():
    """Flags of `answer` that have no argument are those that Python has other ways for."""
    arguments = set(inspect.signature(tl.answer).parameters)
    told = {flag.name for task in answer_script.groups for flag in task.flags}
    assert told - arguments == {"plan_only", "resume"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"split": "odd"}, "--split=odd"),
        ({"track": "paper"}, "--track=paper"),
        ({"mechanisms": "no.csv"}, "--mechanisms=no.csv changes nothing without a source"),
    ],
)
def test_python_refuses_before_any_work(folder, monkeypatch, given, words):
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match=words):
        tl.answer(
            "my/expression.csv", "my/screen.csv", drug="Temozolomide", direction="resistant", source="none", quick=True,
            out="out", **given,
        )  # fmt: skip
    assert not (folder / "out").exists()


def test_drugs_whose_names_differ_in_signs_alone_have_folders_of_their_own():
    found = folders(["Drug-1", "Drug_1", "Drug 1", "Drug_1_2", "other"])
    assert found["Drug-1"] == "Drug_1"
    assert found["other"] == "other"
    assert len(set(found.values())) == 5


def test_a_source_is_taken_where_its_tables_stand(tmp_path):
    tables = Tables(tmp_path / "expression.csv", tmp_path / "response.csv")
    assert source_of(tables) == ""
    for name in ("gdsc_wheel_expression.csv.gz", "gdsc_wheel_response.csv.gz", "gdsc_wheel_lines.csv"):
        (tmp_path / name).touch()
    assert source_of(tables) == "gdsc"


def test_the_list_of_markers_names_its_sources():
    assert all(one.source and one.as_of and one.evidence for one in listed())
    assert len({(one.drug, one.gene) for one in listed()}) == len(listed())
    assert [one.gene for one in markers_of("TEMOZOLOMIDE")] == ["MGMT"]
    assert [one.gene for one in markers_of("17 AAG") if one.level == EXPRESSION] == ["NQO1"]
    assert markers_of("") == []

"""Compounds: what the page shows is what the command predicted, and nothing that is pasted becomes more than text."""

import html
import io
import json
import re

import pandas as pd
import pytest
from app_pages import charts, given, page, press, run_at_once, words
from compounds_studied import settled_model
from pages import Page

from tl_jax.app.parts import jobs, kept, uploads
from tl_jax.app.parts.options import Options
from tl_jax.errors import InputError

pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")
HOSTILE = '<img src=x onerror="window.hit=1"> [a](javascript:alert(1)) =1+1'
PASTED = f"Cc1cc(C(N)=O)cc(-c2ccccc2)c1 new\nOCC(O)CO {HOSTILE}\nC1CC broken\n{'C' * 4000} long\n"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with an untrained model of 200 simulated compounds."""
    root = tmp_path_factory.mktemp("models")
    settled_model(root / "dti" / "own")
    return root


@pytest.fixture
def place(monkeypatch, tmp_path, models):
    """The app's options; a job is run to its end before the page goes on."""
    run_at_once(monkeypatch)
    return given(monkeypatch, tmp_path, models=models)


def predicted(text: str):
    """The page after compounds were pasted."""
    app = page("compounds")
    app.text_area[0].set_value(text)
    return press(app, "Predict")


def found(place) -> pd.DataFrame:
    [job] = jobs.all_jobs(place)
    return pd.read_csv(job.folder / kept.FOUND, keep_default_na=False)


def test_the_page_shows_what_the_command_predicted(place):
    app = predicted(PASTED)
    rows = found(place)
    _, lines = Page(words(app)).table("Compounds in the order")
    assert [line[0] for line in lines][::2] == ["new", "broken"]
    for line, row in zip(lines[:2], rows.itertuples(), strict=False):
        assert line[1] == f"{float(row.probability):.2f}"
        assert line[2] == f"{float(row.nearest_tanimoto):.2f}"
        assert line[3]
        assert row.nearest.startswith(line[3].rstrip(".…"))
    assert [line[1] for line in lines[2:]] == ["", ""]
    assert all("cannot read this SMILES" in line[4] for line in lines[2:])  # one of 4,000 atoms would end the process
    assert sum(len(trace["text"]) for trace in charts(app)[0]["data"]) == 2


def test_drawings_are_images_in_which_nothing_runs(place):
    text = words(predicted(PASTED))
    assert len(re.findall(r'<img src="data:image/svg\+xml;base64,', text)) == 2
    assert "<svg" not in text


def test_names_stay_text(place):
    app = predicted(PASTED)
    text = words(app)
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    assert "<img" not in json.dumps(charts(app))


def test_a_table_does_as_well_and_its_faults_are_one_line(place):
    for content, said in ((b"id,smile\na,C\n", "has no column 'smiles'"), (b"smiles\nC1CC\n", "nothing to explain")):
        app = page("compounds")
        app.file_uploader[0].set_value(("mine.csv", content, "text/csv"))
        text = html.unescape(words(press(app, "Predict")))
        assert said in text
        assert 'role="alert"' in text
        assert "Traceback" not in text
    app = page("compounds")
    app.file_uploader[0].set_value(("mine.csv", b"id,smiles\nmine,c1ccccc1CN\n", "text/csv"))
    assert ">mine<" in words(press(app, "Predict"))


def test_nothing_is_asked_of_nothing(place):
    assert "there is no compound" in words(press(page("compounds"), "Predict"))
    assert jobs.all_jobs(place) == []


def test_the_same_compounds_are_found_and_not_predicted_again(place):
    predicted(PASTED)
    predicted(PASTED)
    assert len(jobs.all_jobs(place)) == 1


def test_pasted_lines_become_a_table_of_the_same_names():
    rows = pd.read_csv(io.BytesIO(kept.pasted('CCO "ethanol, pure"\n\n  C\n')), keep_default_na=False)
    assert rows.to_numpy().tolist() == [['"ethanol, pure"', "CCO"], ["C", "C"]]
    with pytest.raises(InputError, match="the limit is"):
        kept.pasted("C\n" * (kept.MOST + 1))


def test_models_of_vectors_and_of_other_visitors_are_not_offered(place, models, tmp_path):
    assert list(kept.models(place)) == ["own"]
    assert kept.models(place)["own"].title == "alpha: scratch, 200 compounds"
    other = tmp_path / "vectors" / "one"
    other.mkdir(parents=True)
    (other / "stage.json").write_text(json.dumps({"genes": ["a", "b"]}))
    (other / "compounds.part").write_bytes(b"")
    assert kept.models(Options(state=str(tmp_path), models=str(tmp_path / "vectors"))) == {}


def test_a_study_of_this_server_offers_its_final_model_with_what_it_reached(place, models):
    folder = place.jobs / f"{1:032x}"
    asked = {"title": "one", "argv": list(kept.EXAMPLE), "private": True, "limit": None, "tables": {}}
    jobs.make(folder, asked, {}, ())
    settled_model(folder / "checkpoints" / "dti_transfer" / "final")
    final = {"path": "checkpoints/dti_transfer/final", "mcc": 0.5, "auroc": 0.75}
    (folder / "out").mkdir()
    (folder / "out" / "summary.json").write_text(json.dumps({"final_models": [final]}))
    assert list(kept.models(place)) == ["own"]  # of another visitor
    assert set(kept.models(place, [folder.name])) == {"own", "final"}
    app = page("compounds", job=folder.name, model="final")
    assert "MCC 0.50, AUROC 0.75" in words(app)


def test_without_a_model_one_of_simulated_compounds_is_offered(monkeypatch, tmp_path):
    place = given(monkeypatch, tmp_path)
    monkeypatch.setattr(jobs.Job, "again", lambda job: (job.folder / "asked").touch())
    press(page("compounds"), "Make the example model")
    [job] = jobs.all_jobs(place)
    from experiments._tl_jax import script_of

    name, *rest = job.asked["argv"]
    script_of(name).parse(rest)  # every argument is one that the command takes


def test_a_prediction_is_deleted_with_its_table(place):
    press(predicted(PASTED), "Delete my tables and the studies made from them")
    assert jobs.all_jobs(place) == []
    assert not list(place.uploads.glob("*"))


def test_only_tables_of_compounds_are_taken(tmp_path):
    with pytest.raises(InputError, match="ends in none of"):
        uploads.keep(Options(state=str(tmp_path)), "mine.sdf", b"x")

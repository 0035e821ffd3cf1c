"""Pages drawn from files of finished studies: what they say is what the files say."""

import html
import json
import os

import numpy as np
import pandas as pd
import pytest
from app_pages import charts, given, numbers, page, words
from studies import write_study

from tl_jax.errors import InputError
from tl_jax.report.sections import verdict_words
from tl_jax.report.tables import write_csv

HOSTILE = "<img src=x onerror=alert(1)> **bold** [a](javascript:alert(1)) $x$ :red[no]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("app") / "mine")


@pytest.fixture
def shown(folder, monkeypatch, tmp_path):
    return given(monkeypatch, tmp_path, study=folder)


def test_the_first_screen_is_the_verdict_of_the_report(folder, shown):
    app = page("results")
    assert verdict_words(folder).split(":")[0] in words(app)
    assert 'class="verdict"' in words(app)


def test_the_forest_plot_holds_the_numbers_of_the_comparisons(folder, shown):
    [forest, *_] = charts(page("results"))
    rows = pd.read_csv(folder / "comparisons.csv", keep_default_na=False)
    own = rows[(rows["protocol"] == "honest") & (rows["metric"] == "spearman")]
    drawn = {round(abs(float(value)), 6) for value in numbers(forest["data"][0]["x"])}
    known = {round(abs(float(value)), 6) for value in own["mean_difference"] if value != ""}
    assert drawn
    assert drawn <= known


def test_predicted_against_observed_is_the_mean_over_repeats(folder, shown):
    rows = pd.read_csv(folder / "predictions.csv", keep_default_na=False)
    own = rows[(rows["arm"] == "ridge") & (rows["protocol"] == "honest")]
    mean = own.groupby("sample_id")["y_pred"].mean()
    scatter = charts(page("results", arm="ridge, honest"))[1]["data"][0]
    found = dict(zip(scatter["text"], numbers(scatter["y"]), strict=True))
    assert found.keys() == set(mean.index)
    np.testing.assert_allclose([found[name] for name in mean.index], mean, rtol=1e-9)


def test_gains_by_size_are_shown_where_the_study_has_them(folder, shown, tmp_path, monkeypatch):
    heading = "Learning curves</h2>"
    assert heading in words(page("results"))
    assert "Gain by source, strategy and size</h2>" in words(page("results"))
    without = write_study(tmp_path / "without")
    for name in ("learning_curves", "extra_samples"):
        (without / f"{name}.csv").unlink()
    given(monkeypatch, tmp_path, study=without)
    assert heading not in words(page("results"))


def test_the_recommended_method_is_drawn_first_also_beside_another_protocol(tmp_path, monkeypatch):
    own = write_study(tmp_path / "mine")
    path = own / "summary.json"
    summary = json.loads(path.read_text()) | {
        "recommended": {
            "arm": "ridge",
            "source": "",
            "candidates": 3,
            "value": 0.4,
            "honest": 0.1,
            "path": "x",
            "id": "1",
        }
    }
    path.write_text(json.dumps(summary))
    given(monkeypatch, tmp_path, study=own)
    [chosen] = [box for box in page("results").selectbox if box.label == "Method"]
    assert chosen.value == "ridge, honest"
    assert chosen.value != chosen.options[0]


def test_a_choice_is_written_into_the_address_and_read_from_it(shown):
    app = page("results", arm="ridge, honest")
    [chosen] = [box for box in app.selectbox if box.label == "Method"]
    assert chosen.value == "ridge, honest"
    chosen.set_value("mean, honest").run()
    assert app.query_params["arm"] == "mean, honest"


def test_an_address_reaches_no_other_folder(folder, shown):
    for asked in ("../mine", "/etc", "results-../../etc", "job-../../x"):
        app = page("results", study=asked)
        assert "The study of this address is not here" in words(app)


def test_lineage_is_the_tree_of_the_report(folder, shown):
    text = words(page("lineage"))
    for ident in pd.read_csv(folder / "lineage.csv")["id"]:
        assert str(ident) in text


def test_downloads_offer_every_table_and_the_command(folder, shown):
    app = page("downloads")
    names = {button.label.split(" (")[0] for button in app.get("download_button")}
    assert {path.name for path in folder.glob("*.csv")} <= names


def test_the_command_repeats_the_flags_and_nothing_of_where_it_ran(tmp_path):
    from tl_jax.app.views.downloads import command_of

    flags = {"cohort": "my cohort.toml", "drug": None, "strategy": ["a", "b"], "quick": True, "out": "/x", "seed": 400}
    (tmp_path / "summary.json").write_text(json.dumps({"experiment": "exp6_source_to_target", "flags": flags}))
    command = "tl_jax exp6 '--cohort=my cohort.toml' --strategy=a,b --quick=true --seed=400 --out=results/again"
    assert command_of(tmp_path) == command


def test_hostile_names_stay_text(tmp_path, monkeypatch):
    folder = write_study(tmp_path / "hostile")
    for name in ("metrics", "comparisons", "predictions", "samples"):
        rows = pd.read_csv(folder / f"{name}.csv", keep_default_na=False)
        for column in {"sample_id", "arm", "arm_a", "arm_b", "source", "source_a", "source_b"} & set(rows):
            rows[column] = rows[column].replace({"S003": HOSTILE, "Oxaliplatin": HOSTILE})
        write_csv(folder / f"{name}.csv", rows)
    given(monkeypatch, tmp_path, study=folder)
    app = page("results")
    assert "<img src=x" not in words(app)
    assert "&lt;img src=x onerror=alert(1)&gt;" in words(app)
    text = json.dumps(charts(app))
    assert "<img" not in text
    assert "&lt;img" in text
    for element in (*app.markdown, *app.expander):
        label = getattr(element, "label", None) or element.value
        assert "<img" not in label
        assert "[a](" not in label


def test_a_folder_that_cannot_be_read_is_one_line_on_the_page(tmp_path, monkeypatch):
    folder = write_study(tmp_path / "broken")
    (folder / "metrics.csv").write_text("arm,source\nridge,\n")
    given(monkeypatch, tmp_path, study=folder)
    text = words(page("results"))
    assert 'role="alert"' in text
    assert "metrics.csv" in text


def test_a_study_that_was_written_anew_is_read_anew(tmp_path, monkeypatch):
    """What is kept between two visits holds for the files as they were."""
    folder = write_study(tmp_path / "again")
    given(monkeypatch, tmp_path, study=folder)
    before = charts(page("results", arm="ridge, honest"))[1]["data"][0]
    rows = pd.read_csv(folder / "predictions.csv", keep_default_na=False)
    write_csv(folder / "predictions.csv", rows.assign(y_pred=rows["y_pred"] + 1.0))
    os.utime(folder / "summary.json")
    after = charts(page("results", arm="ridge, honest"))[1]["data"][0]
    np.testing.assert_allclose(numbers(after["y"]), np.asarray(numbers(before["y"])) + 1.0)


@pytest.fixture
def three(monkeypatch, tmp_path):
    """Three studies of one cohort, of which the later ones predict the worse the later they are."""
    root, random = tmp_path / "results", np.random.default_rng(3)
    made = {name: write_study(root / name) for name in ("one", "other", "third")}
    for worse, folder in enumerate(made.values()):
        rows = pd.read_csv(folder / "metrics.csv", keep_default_na=False)
        own = pd.to_numeric(rows["value"]) - worse * random.uniform(0.1, 0.3, len(rows))
        write_csv(folder / "metrics.csv", rows.assign(value=own.where(rows["metric"] == "spearman", rows["value"])))
    given(monkeypatch, tmp_path, results=root)
    return list(made.values())


def test_several_studies_stand_side_by_side_as_the_command_has_them(three):
    from tl_jax.report.page.compared_page import sentence
    from tl_jax.report.sections.compared import compared

    for others in (["other"], ["other", "third"], ["third", "other"]):
        app = page("compare", study="results-one", against=[f"results-{name}" for name in others])
        own = compared([three[0], *(three[0].parent / name for name in others)])
        assert html.escape(sentence(own), quote=False) in html.escape(html.unescape(words(app)), quote=False)
        drawn = charts(app)
        assert len(drawn) == len(others)
        for chart, name in zip(drawn, others, strict=True):  # each picture is of its own study
            rows = own.differences[own.differences["label"] == name]
            expected = np.sort(rows["mean_difference"].dropna().to_numpy(float))
            np.testing.assert_allclose(np.sort(numbers(chart["data"][0]["x"])), expected, rtol=1e-9)


def test_what_is_held_against_a_study_is_chosen_and_kept_in_the_address(three):
    app = page("compare", study="results-one")
    [box] = app.multiselect
    assert box.value == ["results-other"]  # one to begin with
    box.set_value(["results-other", "results-third"]).run()
    assert app.query_params["against"] == ["results-other", "results-third"]
    assert len(charts(app)) == 2
    app.multiselect[0].set_value([]).run()
    assert "Choose at least one study" in words(app)
    assert page("compare", study="results-one", against="results-nowhere").multiselect[0].value == ["results-other"]


def test_studies_of_one_name_are_not_compared_as_one(three):
    from tl_jax.report.sections.compared import compared

    with pytest.raises(InputError, match="the same name"):
        compared(three, names=["a", "b", "a"])


def test_one_study_alone_is_compared_with_nothing(shown):
    assert "Two finished studies are needed" in words(page("compare"))


def test_genes_are_the_sections_of_the_report(folder, shown):
    text = words(page("genes"))
    assert pd.read_csv(folder / "effects.csv")["gene"].iloc[0] in text


def test_a_password_is_asked_for_and_a_wrong_one_lets_nobody_in(folder, monkeypatch, tmp_path):
    from streamlit.testing.v1 import AppTest

    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    given(monkeypatch, tmp_path, study=folder, password_file=secret)
    monkeypatch.setattr("tl_jax.app.main.WRONG", 0.0)
    app = AppTest.from_string("from tl_jax.app.main import may_enter, drawn\nif may_enter(): drawn('results')")
    app.run(timeout=60)
    assert "verdict" not in words(app)
    app.text_input[0].set_value("open")
    app.button[0].click().run(timeout=60)
    assert "That is not the password" in words(app)
    assert "verdict" not in words(app)
    app.text_input[0].set_value("open sesame")
    app.button[0].click().run(timeout=60)
    assert 'class="verdict"' in words(app)

"""Studies of single cells, chosen by what they are of: nothing that does not exist is offered."""

import json

import pytest
from app_pages import given, page, words
from browser import write_cells

from tl_jax.app.parts import cell_choice
from tl_jax.app.parts.cell_choice import Facts

MADE = {
    "a": ("/x/lung.h5ad", "Gefitinib", ["network_pretransfer", "network_mmd_median"], "1" * 64),
    "b": ("/x/lung.h5ad", "Gefitinib", ["attention_A2_pretransfer", "attention_A2_dann"], "1" * 64),
    "c": ("/x/lung.h5ad", "Afatinib", ["network_pretransfer", "network_coral"], "1" * 64),
    "d": ("/x/skin.h5ad", "PLX-4720", [], "2" * 64),
    "e": ("/y/lung.h5ad", "Afatinib", ["paper before", "paper"], "3" * 64),
    "f": ("/x/skin.h5ad", "PLX-4720", [], "2" * 64),
}


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Studies as their folders record them."""
    root = tmp_path / "results"
    root.mkdir()
    for name, (cells, drug, arms, digest) in MADE.items():
        write_cells(root / name)
        about = json.loads((root / name / "summary.json").read_text())
        about |= {"drug": drug, "before_and_after": arms, "settings": {"cells": cells}}
        (root / name / "summary.json").write_text(json.dumps(about))
        (root / name / "study.json").write_text(json.dumps({"data": {"cells": digest}}))
    return given(monkeypatch, tmp_path, results=root)


def fields(app) -> dict[str, tuple[str, list[str]]]:
    return {box.label: (box.value, box.options) for box in app.selectbox if box.label in (*cell_choice.LABELS, "Study")}


def test_only_combinations_that_exist_are_offered(shown):
    app = page("cells", cells="results-a")
    assert fields(app) == {
        "Data set": ("lung (111111)", ["lung (111111)", "lung (333333)", "skin"]),
        "Drug": ("Gefitinib", ["Afatinib", "Gefitinib"]),
        "Encoder": ("plain", ["attention A2", "plain"]),
        "Alignment": ("mmd_median", ["mmd_median"]),
    }
    assert fields(page("cells", cells="results-e")) == {
        "Data set": ("lung (333333)", ["lung (111111)", "lung (333333)", "skin"]),
        "Drug": ("Afatinib", ["Afatinib"]),
        "Encoder": ("as published", ["as published"]),
        "Alignment": ("as published", ["as published"]),
    }


def test_every_study_is_reached_and_the_address_names_it(shown):
    app = page("cells", cells="results-a")
    for label, value, study in (("Encoder", "attention A2", "b"), ("Drug", "Afatinib", "c"), ("Data set", "skin", "d")):
        [box] = [one for one in app.selectbox if one.label == label]
        box.set_value(value).run()
        assert not app.exception
        assert app.query_params["cells"] == f"results-{study}"
        assert MADE[study][1] in words(app)
    assert fields(app)["Study"] == ("results-d", ["d", "f"])  # alike in all: by their names
    [box] = [one for one in app.selectbox if one.label == "Study"]
    box.set_value("results-f").run()
    assert app.query_params["cells"] == "results-f"


def test_what_comes_later_stays_where_it_can():
    facts = {
        "one": Facts("lung", "A", "plain", "mmd"),
        "two": Facts("lung", "B", "plain", "coral"),
        "three": Facts("lung", "B", "plain", "mmd"),
        "four": Facts("skin", "B", "plain", "mmd"),
    }
    assert cell_choice.nearest(facts, "one", 1, "B") == "three"
    assert cell_choice.nearest(facts, "three", 0, "skin") == "four"
    for key in facts:  # whatever is offered exists
        for level in range(4):
            for value in cell_choice.values(facts, key, level):
                assert facts[cell_choice.nearest(facts, key, level, value)][level] == value


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        (("network_pretransfer", "network_mmd_median_0.1"), ("plain", "mmd_median_0.1")),
        (("attention_A2_pretransfer", "attention_A2_mmd"), ("attention A2", "mmd")),
        (("paper before", "paper"), ("as published", "as published")),
        ((), ("none", "none")),
    ],
)
def test_a_network_is_named_by_its_arms(arms, said):
    assert cell_choice.network_of(arms) == said


def test_a_study_whose_records_say_little_is_offered_all_the_same(tmp_path):
    write_cells(tmp_path / "bare")
    assert cell_choice.facts_of(tmp_path / "bare") == (Facts("not recorded", "simulib", "none", "none"), "")

"""A plan names every part with its fits, grows with them, and trains and writes nothing."""

from dataclasses import replace

import pytest

from experiments import scdeal
from tl_jax.errors import InputError
from tl_jax.study.cells import profile, study
from tl_jax.study.cells.plan import planned, printed
from tl_jax.study.cells.settings import CellSettings, NetworkSettings, PublishedSettings
from tl_jax.study.cells.setup import make_setup

QUICK = CellSettings(repeats=3, bootstraps=20, min_genes=100)


def test_every_part_is_named_with_its_fits():
    table, told = planned(QUICK, make_setup(QUICK))
    fits = table.set_index("part")["fits"].to_dict()
    arms = ("logistic", "ridge", "ridge_within_tissue", "related_drugs")
    assert fits == {**dict.fromkeys(arms, 3), "sign": 20, "kept model": 3}
    assert (table["seconds"] > 0).all()
    assert "simulib: 160 lines, 240 cells, 400 genes; 640 rows in all" in told
    assert printed(table, told).endswith("nothing was trained")


def test_networks_grow_with_seeds_and_transfers():
    setup = make_setup(QUICK)
    few, many = (
        planned(replace(QUICK, networks=NetworkSettings(seeds=n, attention=("", "A1"))), setup)[0] for n in (2, 4)
    )
    few, many = few.set_index("part"), many.set_index("part")
    assert few.loc[["networks", "networks A1"], "fits"].tolist() == [2 * 7, 2 * 7]
    assert many.loc["networks", "fits"] == 4 * 7
    assert (
        many.loc["critical genes", "fits"] == 4 * 6 * 2
    )  # both kinds, before transfer, without pre-training, and four
    paper = planned(replace(QUICK, published=PublishedSettings(seeds=3, quirk_table=True)), setup)[0]
    assert paper.set_index("part").loc["scDEAL as published", "fits"] == 3 * (2 + 2 * 11)


def test_what_a_study_would_refuse_a_plan_refuses():
    with pytest.raises(InputError, match="no term or distance 'mdm'"):
        planned(replace(QUICK, networks=NetworkSettings(transfers=(("mdm", 1.0),))), make_setup(QUICK))


def test_what_is_not_counted_is_said():
    asked = replace(QUICK, nulls=5)
    _, told = planned(asked, make_setup(asked))
    assert told[-2:] == ["not counted: nulls", "nothing was trained"]


def test_all_drugs_are_one_part():
    asked = replace(QUICK, drugs="all")
    table, told = planned(asked, make_setup(asked))
    assert table[["part", "fits"]].to_numpy().tolist() == [["all drugs", 3]]
    assert any(line.startswith("all drugs: 160 lines") for line in told)


@pytest.mark.parametrize("flags", [[], ["--drugs=all"]])
def test_the_command_trains_and_writes_nothing(flags, tmp_path, monkeypatch, capsys):
    def never(*_):
        raise AssertionError("something was trained")

    monkeypatch.setattr(study, "run_cells", never)
    monkeypatch.setattr(profile, "run_profile", never)
    monkeypatch.chdir(tmp_path)
    assert scdeal.main(["--embedded", "--plan", *flags]) == 0
    said = capsys.readouterr().out
    assert "minutes on one core" in said
    assert " 0.0 minutes" not in said
    assert " 0.0 GB" not in said
    assert not list(tmp_path.iterdir())

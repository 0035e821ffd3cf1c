"""Cohort files: a user's own, and the shipped ones on real data."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.data.cohort.cohort_file import load_cohort, shipped_cohorts
from tl_jax.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def test_own_cohort(own_files, load):
    cohort = load()
    source, target = cohort.domains
    assert source.samples.tolist() == ["s1", "s2"]
    assert source.drugs == cohort.source_drugs == ("Cisplatin", "Olaparib")
    np.testing.assert_allclose(source.y, [[0.9, 0.2], [0.7, np.nan]])
    np.testing.assert_allclose(source.replicate, [[0.8, np.nan], [np.nan, np.nan]])
    assert source.tissue.tolist() == ["Lung", ""]
    np.testing.assert_allclose(source.x, own_files.lines().loc[["s1", "s2"]], rtol=1e-6)
    assert target.samples.tolist() == ["p1", "p2", "p3"]
    assert target.groups.tolist() == ["p1/p3", "p2", "p1/p3"]
    assert (target.unit, target.direction, target.scaler) == ("viability", "sensitive", "standard")
    np.testing.assert_allclose(target.x, own_files.patients().loc[own_files.genes, ["p1", "p2", "p3"]].T, rtol=1e-6)
    assert (cohort.drug, cohort.default_source, cohort.title) == ("Cisplatin", "Cisplatin", "own")
    assert cohort.coverage == {"lines": 1.0, "patients": 60 / 61}


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(3)), st.permutations(range(60)), st.permutations(range(61)), st.permutations(range(6)))
def test_order_in_the_files_changes_nothing(own_files, tmp_path_factory, rows, genes, turned, screen):
    folder = own_files.write(tmp_path_factory.mktemp("order"))
    (folder / "own.toml").write_text(own_files.toml)
    expected = load_cohort(folder / "own.toml", folder)
    own_files.lines().iloc[rows, genes].to_csv(folder / "lines.csv")
    own_files.patients().iloc[turned, rows].to_csv(folder / "patients.csv")
    heading, *body = own_files.screen.splitlines()
    (folder / "screen.csv").write_text("\n".join([heading, *(body[i] for i in screen)]))
    found = load_cohort(folder / "own.toml", folder)
    for one, other in zip(expected.domains, found.domains, strict=True):
        for field in ("x", "y", "samples", "genes", "drugs", "groups", "tissue"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
        np.testing.assert_array_equal(one.replicate, other.replicate)


def test_groups_of_the_annotation_are_joined_by_groups(own_files, load):
    (load.folder / "donors.csv").write_text("id,donor\np1,d1\np2,d2\np3,d3\n")
    notes = '[domain.annotation]\npath="donors.csv"\nsample_column="id"\ngroup_column="donor"\n[domain.expression]'
    own = own_files.toml.replace('[domain.expression]\npath = "patients.csv"', notes + '\npath = "patients.csv"')
    (load.folder / "donors.toml").write_text(own)
    assert load_cohort(load.folder / "donors.toml", load.folder).stage("target").groups.tolist() == [
        "d1/d3",
        "d2",
        "d1/d3",
    ]


def test_data_dir_from_the_environment(load, monkeypatch):
    monkeypatch.setenv("TLJAX_DATA", str(load.folder))
    assert len(load(data_dir=None).stage("target")) == 3


def test_exclude_samples_and_optional_replicates(load):
    changes = [
        ('filter = { screen = "B" }', 'path = "absent.csv"\noptional = true'),
        ('groups = [["p1", "p3"]]', 'exclude_samples = ["p3"]'),
    ]
    cohort = load(*changes)
    assert cohort.stage("source").replicate is None
    assert cohort.stage("target").samples.tolist() == ["p1", "p2"]


def test_simulated_cohort(tmp_path):
    pytest.importorskip("tl_jax.data.cohort.simulate")
    file = tmp_path / "small.toml"
    file.write_text('name = "small"\ntitle = "A small one"\n[simulate]\nseed = 3\ngenes = 200\nn_source = 40\n')
    cohort = load_cohort(file)
    assert (cohort.name, cohort.title, len(cohort.stage("source"))) == ("small", "A small one", 40)
    file.write_text('name = "small"\nmarker = "TP53"\n[simulate]\nseed = 3\n')
    with pytest.raises(InputError, match=r"small.toml: key 'marker' changes nothing beside .simulate.; remove it"):
        load_cohort(file)
    for name in ("../up", "a/b", ""):
        file.write_text(f'name = "{name}"\n[simulate]\nseed = 3\n')
        with pytest.raises(InputError, match="key 'name' must be letters"):
            load_cohort(file)
    file.write_text('name = "small"\n[simulate]\nsedd = 3\n')
    with pytest.raises(InputError, match=r"small.toml: .simulate. does not fit: .*'sedd'"):
        load_cohort(file)


@pytest.fixture(scope="module")
def nci60():
    folder = Path(os.environ.get("TLJAX_DATA") or ROOT / "../shared/data/bulk")
    if not (folder / "gdsc_expression.parquet").is_file():
        pytest.skip(f"no real data in {folder}; set TLJAX_DATA")
    pytest.importorskip("pyarrow")
    return load_cohort("nci60", folder)


def test_nci60_sizes(nci60):
    sizes = {drug: len(nci60.stage("source").for_drug(drug)) for drug in nci60.source_drugs}
    assert sizes == {"Temozolomide": 784, "Cyclophosphamide": 776, "Bortezomib": 776, "Oxaliplatin": 785}
    assert len(nci60.stage("source").drugs) == 286
    assert [len(d) for d in nci60.domains[1:]] == [79, 58]
    assert len(nci60.genes) == 4433
    assert (nci60.marker, nci60.default_source) == ("MGMT", "Oxaliplatin")
    assert "MGMT" in nci60.genes


def test_nci60_groups_and_replicates(nci60):
    target, source = nci60.stage("target"), nci60.stage("source")
    assert sorted({g for g in target.groups if "/" in g}) == ["M14/MDAMB435", "NCIADRRES/OVCAR8", "SNB19/U251"]
    assert (target.unit, target.direction) == ("viability (%)", "resistant")
    assert set(nci60.stage("intermediate").tissue) == {"Central Nervous System", "Peripheral Nervous System"}
    assert "Renal Cancer" in target.tissue
    pair = np.stack([source.y, source.replicate])[:, :, source.column("Temozolomide")]
    ranks = pd.DataFrame(pair.T).dropna().corr("spearman")
    assert 0.2 < ranks.iloc[0, 1] < 0.35  # documented: .28


def test_shipped_cohorts_are_listed():
    assert {"nci60", "glioblastoma"} <= set(shipped_cohorts())

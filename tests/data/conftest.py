"""A user's own cohort of two domains, small enough to check by hand; shared by the tests of cohort files."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.cohort_file import load_cohort

GENES = [f"G{i:02d}" for i in range(60)]
SCREEN = """sample,drug,auc,screen
s1,Cisplatin,0.9,A
s2,Cisplatin,0.7,A
s3,Cisplatin,0.5,A
s1,Olaparib,0.2,A
s9,Olaparib,0.4,A
s1,Cisplatin,0.8,B
"""
OWN = """
name = "own"
drug = "cisplatin"
marker = "G01"

[[domain]]
name = "lines"
scaler = "robust"
[domain.expression]
path = "lines.csv"
[domain.response]
path = "screen.csv"
sample_column = "sample"
drug_column = "drug"
value_column = "auc"
filter = { screen = "a" }
[domain.replicates]
filter = { screen = "B" }
[domain.annotation]
path = "lines_notes.csv"
sample_column = "id"
tissue_column = "tissue"
exclude = { tissue = ["Skin"] }

[[domain]]
name = "patients"
groups = [["p1", "p3"]]
[domain.expression]
path = "patients.csv"
[domain.response]
path = "patients_auc.csv"
format = "wide"
sample_column = "patient"
value_column = "auc"
drug = "Cisplatin"
unit = "viability"
direction = "sensitive"
"""


def lines():
    values = np.arange(180).reshape(3, 60) / 10
    return pd.DataFrame(values, index=["s1", "s2", "s3"], columns=GENES)


def patients():
    """Genes in rows, one of them unknown to the lines."""
    values = np.arange(183).reshape(61, 3) / 7
    return pd.DataFrame(values, index=["OTHER", *GENES[::-1]], columns=["p3", "p2", "p1"])


def tables(folder):
    folder.mkdir(exist_ok=True)
    lines().to_csv(folder / "lines.csv")
    patients().to_csv(folder / "patients.csv")
    (folder / "screen.csv").write_text(SCREEN)
    (folder / "lines_notes.csv").write_text("id,tissue\ns1,Lung\ns2,\ns3,Skin\n")
    (folder / "patients_auc.csv").write_text("patient,auc\np1,0.1\np2,0.2\np3,0.3\np4,0.4\n")
    return folder


@pytest.fixture(name="load")
def own_cohort(tmp_path):
    """Load the user's own cohort after replacing parts of its file."""
    tables(tmp_path)

    def loaded(*changes, data_dir=tmp_path):
        text = OWN
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "own.toml").write_text(text)
        return load_cohort(tmp_path / "own.toml", data_dir)

    loaded.folder = tmp_path
    return loaded


@pytest.fixture(scope="session")
def own_files():
    """The parts of the user's own cohort, for tests that write them in another way."""
    return SimpleNamespace(toml=OWN, screen=SCREEN, genes=GENES, lines=lines, patients=patients, write=tables)


@pytest.fixture(scope="session")
def family_file(request) -> Path:
    """The real table of compounds by protein family; skips when it is absent."""
    where = Path(os.environ.get("TLJAX_DATA") or request.config.rootpath / "../shared/data/bulk")
    for folder in (where, where.parent):
        path = folder / "dti" / "dti_family.csv.gz"
        if path.is_file():
            return path
    pytest.skip(f"no dti/dti_family.csv.gz in {where} or beside it; set TLJAX_DATA")

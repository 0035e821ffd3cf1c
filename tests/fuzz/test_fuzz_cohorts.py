"""Broken cohort files and the tables they name: one line that names one of them, or a cohort of finite numbers."""

import copy
import csv
import io
import tomllib

import numpy as np
import pytest
from counted import FEW
from judged import judged_each
from mutations import altered, as_text, damaged, spoiled

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.drafts.toml_text import pairs

NAMES = ("own.toml", "lines", "patients", "screen", "domain", "cannot be the name of a file")
SIZES = {"seed": 3, "genes": 60, "n_source": 30, "n_intermediate": 20, "n_target": 20}


def written(record):
    """A record, spoiled or not, as TOML text, which has no null."""
    return "\n".join(pairs(without_null(record))) if isinstance(record, dict) else str(record)


def without_null(value):
    if isinstance(value, dict):
        return {key: without_null(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_null(one) for one in value]
    return "null" if value is None else value


def finite(_, cohort):
    for domain in cohort.domains:
        assert np.isfinite(domain.x).all()
        assert np.isfinite(domain.y).any(axis=1).all()
        assert len(set(domain.samples)) == len(domain.samples) == len(domain.x)
        assert len(set(domain.genes)) == len(domain.genes) == domain.x.shape[1]


@pytest.fixture(name="folder")
def written_tables(own_files, tmp_path):
    own_files.write(tmp_path)
    (tmp_path / "own.toml").write_text(own_files.toml)
    return tmp_path


def test_values_of_wrong_kinds_everywhere(own_files, folder, slow):
    record = tomllib.loads(own_files.toml)

    def make(rng):
        text = written(spoiled(copy.deepcopy(record), rng))
        (folder / "own.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
        return folder / "own.toml"

    call = lambda path: load_cohort(path, folder)  # noqa: E731
    assert judged_each("cohort keys", slow, make, call, *NAMES, place=folder, same=finite) > 20 // FEW


def test_damaged_text_of_a_cohort_file(own_files, folder, slow):
    def make(rng):
        (folder / "own.toml").write_bytes(damaged(own_files.toml.encode(), rng))
        return folder / "own.toml"

    judged_each("cohort bytes", slow, make, lambda path: load_cohort(path, folder), *NAMES, place=folder, same=finite)


def test_tables_of_a_cohort(folder, slow):
    sound = {p: p.read_bytes() for p in sorted(folder.glob("*.csv"))}

    def make(rng):
        for path, content in sound.items():
            path.write_bytes(content)
        path = rng.choice(list(sound))
        rows = list(csv.reader(io.StringIO(sound[path].decode())))
        path.write_bytes(as_text(altered(rows, rng), ",", rng) if rng.random() < 0.7 else damaged(sound[path], rng))
        return folder / "own.toml"

    call = lambda path: load_cohort(path, folder)  # noqa: E731
    assert judged_each("cohort tables", slow, make, call, *NAMES, place=folder, same=finite) > 10 // FEW


def test_settings_of_the_simulated_chain(tmp_path, slow):
    path = tmp_path / "own.toml"

    def make(rng):
        path.write_text(written(spoiled({"name": "small", "simulate": dict(SIZES)}, rng)))
        return path

    judged_each("simulate", slow, make, load_cohort, "own.toml", "write less", place=tmp_path, same=finite)


@pytest.mark.parametrize("name", ["/etc/passwd", "../out.csv", "a/../../out.csv", "lines.csv/../../x"])
def test_a_cohort_file_names_no_file_outside_the_data_folder(own_files, folder, name):
    text = own_files.toml.replace('path = "lines.csv"', f'path = "{name}"')
    (folder / "own.toml").write_text(text)
    with pytest.raises(ValueError, match=r"is not in the data folder"):
        load_cohort(folder / "own.toml", folder)

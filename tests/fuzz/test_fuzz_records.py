"""Broken checkpoints, parts of stopped studies, records of fetched files, archives and results folders."""

import copy
import csv
import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from judged import judged_each
from mutations import altered, as_text, damaged, spoiled

from tl_jax.fetch.manifest import Member
from tl_jax.fetch.records import Records
from tl_jax.fetch.unpack import unpack as unpack_archive
from tl_jax.report.page.page import write_report
from tl_jax.report.sections.study import read_study
from tl_jax.system.parts import RECORD, Parts, pack, same_study

GENES = ["A", "B", "C"]
META = {
    **{"id": "0123", "stage": "source", "domain": "gdsc", "drug": "Oxaliplatin", "samples": 3, "strategy": "scratch"},
    **{"recipe": {"epochs": 5}, "seed": 400, "data_fingerprint": "ab", "note": "", "transform": "none", "genes": GENES},
    "scaler": {"kind": "robust", "center": [0.1, 1 / 3, 2.0], "scale": [1.0, 1.0, 1.0]},
    "response_scale": {"low": 0.25, "high": 1.0, "direction": "resistant", "unit": "AUC"},
    "network": {"name": "two_step", "hidden": [2, 2]},
    "ancestors": [],
}
KERNEL = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture(name="stage")
def saved_stage(tmp_path):
    from tl_jax.checkpoint import save_stage

    return save_stage(tmp_path / "stage", {"params": {"layer1": {"kernel": KERNEL}}}, META)


def load(path):
    from tl_jax.checkpoint import load_stage

    variables, meta = load_stage(path)
    return variables["params"]["layer1"]["kernel"], meta


def unchanged(_, found):
    assert np.array_equal(found[0], KERNEL)
    assert {key: found[1][key] for key in META} == META


def test_files_of_a_checkpoint_cut_swapped_changed_or_lost(stage, slow):
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    sound = {path: path.read_bytes() for path in files}

    def make(rng):
        for path, content in sound.items():
            path.write_bytes(content)
        path, other = rng.sample(files, 2)
        kind = rng.randrange(5)
        if kind == 0:
            path.unlink()
        elif kind == 1:
            path.write_bytes(sound[other])
            other.write_bytes(sound[path])
        else:
            path.write_bytes(damaged(sound[path], rng))
        return stage

    judged_each("checkpoint files", slow, make, load, "stage", place=stage.parent, same=unchanged)


def test_records_of_a_checkpoint_changed_by_hand_with_a_new_digest(stage, slow):
    """Weights and shapes are left alone here: orbax reports a shape that does not fit on its own, at length."""
    from tl_jax.checkpoint import FORMS, record_digest

    sound = json.loads((stage / "stage.json").read_text())

    def make(rng):
        own = {key: sound[key] for key in META}
        record = spoiled(copy.deepcopy(own), rng)
        record = {**sound, **record} if isinstance(record, dict) else record
        if isinstance(record, dict):
            record["content"] = record_digest(record)
        (stage / "stage.json").write_text(json.dumps(record))
        return stage

    def same(_, found):
        assert np.array_equal(found[0], KERNEL)
        assert all(fits(found[1][name]) for name, fits in FORMS.items())

    judged_each("checkpoint record", slow, make, load, "stage", place=stage.parent, same=same)


def test_parts_of_a_stopped_study(tmp_path, slow, caplog):
    """A broken part is done again, never believed."""
    caplog.set_level("INFO", "tl_jax")
    path, sound = tmp_path / "00000003.part", pack({"run": np.arange(5)})

    def make(rng):
        path.write_bytes(damaged(sound, rng))
        return path

    def call(path):
        caplog.clear()
        return list(Parts(tmp_path).saved()), list(caplog.messages)

    def same(path, found):
        arrays, said = found
        assert len(arrays) + len(said) == 1
        assert all(np.array_equal(a["run"], np.arange(5)) for a in arrays)
        assert path.exists() == bool(arrays)

    judged_each("part", slow, make, call, place=tmp_path, same=same)


def test_records_of_a_stopped_study(tmp_path, slow):
    record = {"experiment": "exp7", "settings": {"folds": 3, "hidden": [4, 2]}, "data": {"target": "ab"}}
    (tmp_path / "00000001.part").write_bytes(pack({"run": np.arange(2)}))

    def make(rng):
        text = json.dumps(record).encode()
        changed = json.dumps(spoiled(copy.deepcopy(record), rng)).encode()
        (tmp_path / RECORD).write_bytes(damaged(text, rng) if rng.random() < 0.5 else changed)

    def same(*_):
        assert json.loads((tmp_path / RECORD).read_text()) == record

    call = lambda _: same_study(tmp_path, record)  # noqa: E731
    judged_each("study record", slow, make, call, "--overwrite", place=tmp_path, same=same)


def test_records_of_fetched_files(tmp_path, slow):
    entry = {"set": "gdsc", "release": "1", "address": "http://x", "bytes": 3, "sha256": "0" * 64, "made": ["b.csv"]}
    record = {"about": "x", "files": {"a.csv": entry}}

    def make(rng):
        changed = json.dumps(spoiled(copy.deepcopy(record), rng)).encode()
        content = damaged(json.dumps(record).encode(), rng) if rng.random() < 0.5 else changed
        (tmp_path / "fetched.json").write_bytes(content)

    def same(_, digest):
        content = json.loads((tmp_path / "fetched.json").read_text())["files"].get("a.csv")
        assert digest == (content["sha256"] if content else "")

    call = lambda _: Records(tmp_path).sha256("a.csv")  # noqa: E731
    judged_each("fetched", slow, make, call, "fetched.json", place=tmp_path, same=same)


def test_archives(tmp_path, slow):
    path, out, text = tmp_path / "a.zip", tmp_path / "out", b"gene\tvalue\nMGMT\t1.5\n" * 20
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/table.txt", text)
        archive.writestr("notes.txt", "n")
    sound = path.read_bytes()
    members = (Member("table.txt", "t.txt"),)

    def make(rng):
        path.write_bytes(damaged(sound, rng))
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    def same(_, found):
        assert found["t.txt"].read_bytes() == text

    call = lambda _: unpack_archive(path, members, out)  # noqa: E731
    judged_each("archive", slow, make, call, "a.zip", place=tmp_path, same=same)
    assert {p.name for p in tmp_path.iterdir()} == {"a.zip", "out"}


@pytest.fixture(name="results", scope="module")
def written_study(tmp_path_factory):
    from studies import write_study

    folder = tmp_path_factory.mktemp("results") / "study"
    write_study(folder, ("Oxaliplatin",), ("zero_shot", "copy_layer1"), repeats=2)
    return {path: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def broken(results, rng):
    """The folder with one file broken, and that file."""
    for path, content in results.items():
        path.write_bytes(content)
    path = rng.choice(list(results))
    if path.suffix == ".json":
        content = json.dumps(spoiled(json.loads(results[path]), rng)).encode()
        path.write_bytes(content if rng.random() < 0.5 else damaged(results[path], rng))
    else:
        rows = list(csv.reader(io.StringIO(results[path].decode())))
        whole = len(rows) > 1 and len(rows[0]) > 1 and rng.random() < 0.7
        path.write_bytes(as_text(altered(rows, rng), ",", rng) if whole else damaged(results[path], rng))
    return path


def test_tables_of_a_results_folder(results, slow):
    folder = next(iter(results)).parent

    def same(path, study):
        if path.suffix == ".csv" and path.stem in study.tables:
            rows = [row for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")) if row]
            assert len({len(row) for row in rows}) == 1, "ragged rows were accepted"
            assert len(study.tables[path.stem]) == len(rows) - 1

    make = lambda rng: broken(results, rng)  # noqa: E731
    judged_each("report tables", slow, make, lambda _: read_study(folder), "study", place=folder, same=same)


def test_a_report_is_whole_or_not_there(results, tmp_path, slow):
    folder, out = next(iter(results)).parent, tmp_path / "page.html"

    def call(_):
        out.unlink(missing_ok=True)
        try:
            write_report(folder, out)
        except ValueError:
            assert not list(tmp_path.iterdir()), "a page was left half-written"
            raise

    def same(*_):
        assert out.read_bytes().rstrip().endswith(b"</html>")

    make = lambda rng: broken(results, rng)  # noqa: E731
    judged_each("report pages", slow, make, call, "study", place=folder, same=same)

"""Stage checkpoints: whole or absent; damaged, foreign and mismatching ones are refused with one line."""

import json
import os
import shutil

import numpy as np
import pytest

from tl_jax.checkpoint import load_stage, record_digest, save_stage
from tl_jax.errors import InputError
from tl_jax.trees import flatten

GENES = ["A", "B", "C"]
META = {
    "id": "0123",
    "stage": "source",
    "domain": "gdsc",
    "drug": "Oxaliplatin",
    "samples": 3,
    "strategy": "scratch",
    "recipe": {"epochs": 5, "learning_rate": 0.001},
    "seed": 400,
    "data_fingerprint": "ab",
    "note": "",
    "transform": "none",
    "genes": GENES,
    "scaler": {"kind": "robust", "center": [0.1, 1 / 3, 2.0], "scale": [1.0, 1.0, 1.0]},
    "response_scale": {"low": 0.25, "high": 1.0, "direction": "resistant", "unit": "AUC"},
    "network": {"name": "two_step", "hidden": [2, 2]},
    "ancestors": [],
}


def variables():
    rng = np.random.default_rng(0)
    layer = {"kernel": rng.normal(size=(3, 2)).astype(np.float32), "bias": np.zeros(2, np.float32)}
    return {"params": {"layer1": layer, "head": {"kernel": rng.normal(size=(2, 1)).astype(np.float32)}}}


@pytest.fixture
def saved(tmp_path):
    return save_stage(tmp_path / "stage", variables(), META)


def test_round_trip(saved):
    loaded, meta = load_stage(saved, genes=np.asarray(GENES))
    for name, leaf in flatten(variables()["params"]).items():
        np.testing.assert_array_equal(flatten(loaded["params"])[name], leaf)
        assert flatten(loaded["params"])[name].dtype == leaf.dtype
    assert {key: meta[key] for key in META} == META


def test_nothing_is_left_beside_it(saved):
    assert [p.name for p in saved.parent.iterdir()] == ["stage"]


def test_saving_twice_keeps_the_first(saved):
    before = (saved / "stage.json").read_bytes()
    save_stage(saved, variables(), {**META, "id": "other"})
    assert (saved / "stage.json").read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["stage"]


def test_other_genes_or_order_are_refused(saved):
    for genes in (["A", "B"], ["B", "A", "C"]):
        with pytest.raises(InputError, match=r"trained on 3 genes, the data has \d .*experiments.predict"):
            load_stage(saved, genes=np.asarray(genes))


def every_file(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size)


def test_a_flipped_byte_in_any_file_of_weights_is_noticed(saved):
    for path in every_file(saved / "state"):
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
        with pytest.raises(InputError, match=r"is damaged: its weights are not the files .*delete that folder"):
            load_stage(saved)
        path.write_bytes(content)
    load_stage(saved)


def test_missing_and_added_files_are_noticed(saved):
    (saved / "state" / "extra").write_text("")
    with pytest.raises(InputError, match="are not the files that were saved"):
        load_stage(saved)
    (saved / "state" / "extra").unlink()
    every_file(saved / "state")[0].unlink()
    with pytest.raises(InputError, match="are not the files that were saved"):
        load_stage(saved)


def test_a_changed_record_is_noticed(saved):
    change(saved, response_scale={**META["response_scale"], "high": 2.0})
    with pytest.raises(InputError, match="does not match its own digest"):
        load_stage(saved)


def change(folder, **entries):
    path = folder / "stage.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: shutil.rmtree(p), "no checkpoint at"),
        (lambda p: (p / "stage.json").unlink(), "is no tl_jax stage checkpoint"),
        (lambda p: shutil.rmtree(p / "state"), "is no tl_jax stage checkpoint"),
        (lambda p: (p / "stage.json").write_text("{ half"), "is damaged: its stage.json cannot be read"),
        (lambda p: (p / "stage.json").write_bytes(b"\xff\xfe"), "is damaged: its stage.json cannot be read"),
        (lambda p: (p / "stage.json").write_text("[]"), "has format None"),
        (lambda p: (p / "stage.json").write_text('{"format": "other 2"}'), "has format 'other 2'"),
        (lambda p: (p / "stage.json").write_text('{"format": "tl_jax stage 1"}'), "lacks id, stage"),
        (lambda p: change(p, leaves=[]), "is damaged: its stage.json does not match"),
        (lambda p: change(p, leaves={"layer1/kernel": {"shape": [9, 9], "dtype": "float32"}}), "is damaged"),
        (lambda p: [os.truncate(f, f.stat().st_size // 2) for f in every_file(p / "state")], "is damaged"),
    ],
)
def test_unusable_folders_are_refused_in_one_line(saved, spoil, message):
    spoil(saved)
    with pytest.raises(InputError, match=message) as caught:
        load_stage(saved)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write checkpoint .*--checkpoint_dir"):
        save_stage(tmp_path / "file" / "stage", variables(), META)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("genes", [1, 2, 3]),
        ("scaler", {"kind": "robust", "center": [1.0], "scale": []}),
        ("response_scale", {"low": "0", "high": 1.0, "direction": "resistant", "unit": "AUC"}),
        ("network", {"name": "two_step", "hidden": [2, -1]}),
        ("leaves", {"head/kernel": {"dtype": "O", "shape": [2, 1]}}),
        ("leaves", {"head/kernel": "float32"}),
        ("ancestors", {}),
        ("drug", None),
    ],
)
def test_a_record_of_another_kind_with_a_digest_that_fits(saved, key, value):
    record = json.loads((saved / "stage.json").read_text()) | {key: value}
    record["content"] = record_digest(record)
    (saved / "stage.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=f"its stage.json holds under '{key}' something else than this version writes"):
        load_stage(saved)


def test_a_record_nested_without_end(saved):
    (saved / "stage.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"its stage.json cannot be read"):
        load_stage(saved)

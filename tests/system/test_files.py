"""Files appear whole or not at all."""

import json

import numpy as np
import pytest

from tl_jax.errors import InputError
from tl_jax.system.files import check_writable, digest, folder_atomic, write_atomic, write_json


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = write_json(tmp_path / "a.json", {"x": np.float32(1.5), "y": np.arange(2), "z": tmp_path})
    assert json.loads(path.read_text()) == {"x": 1.5, "y": [0, 1], "z": str(tmp_path)}

    def fail(temporary):
        temporary.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomic(path, fail)
    assert json.loads(path.read_text())["x"] == 1.5
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    out = tmp_path / "out"

    def stop(folder):
        (folder / "half").write_text("")
        raise RuntimeError

    with pytest.raises(RuntimeError), folder_atomic(out) as folder:
        stop(folder)
    assert list(tmp_path.iterdir()) == []
    with folder_atomic(out) as folder:
        (folder / "a").write_text("1")
        assert not out.exists()
    assert (out / "a").read_text() == "1"


def put(path, name, **options):
    with folder_atomic(path, **options) as folder:
        (folder / name).write_text(name)


def test_existing_results_are_refused_unless_overwritten(tmp_path):
    out = tmp_path / "out"
    put(out, "summary.json")
    with pytest.raises(InputError, match="--overwrite"):
        put(out, "a")
    with pytest.raises(RuntimeError), folder_atomic(out, overwrite=True):
        raise RuntimeError
    assert [p.name for p in out.iterdir()] == ["summary.json"]
    put(out, "b", overwrite=True)
    assert [p.name for p in out.iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    with pytest.raises(InputError, match="is a file"):
        put(out / "b", "c", overwrite=True)


def test_overwrite_never_deletes_a_folder_of_other_things(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds other things"):
        put(tmp_path, "a", overwrite=True)
    assert (tmp_path / "thesis.txt").exists()


def test_finished_results_are_kept_where_another_process_came_first(tmp_path):
    out = tmp_path / "out"

    def both():
        with folder_atomic(out) as folder:
            (folder / "mine").write_text("1")
            put(out, "summary.json")

    with pytest.raises(InputError, match=r"could not be put in place .*finished results stand in .*partial"):
        both()
    assert [p.name for p in out.iterdir()] == ["summary.json"]
    assert [p.name for p in next(tmp_path.glob(".out.*.partial")).iterdir()] == ["mine"]


def test_an_unwritable_place_is_found_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to .*choose another --checkpoint_dir"):
        check_writable(tmp_path / "file" / "x", "--checkpoint_dir")
    check_writable(tmp_path / "new", "--checkpoint_dir")
    assert list((tmp_path / "new").iterdir()) == []


def test_json_has_null_where_a_number_is_undefined(tmp_path):
    path = write_json(tmp_path / "a.json", {"a": float("nan"), "b": [np.inf, np.array([1.0, np.nan])]})
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == {"a": None, "b": [None, [1.0, None]]}


def test_digests_tell_content_shape_and_type_apart():
    a = np.arange(6.0)
    different = [a, a.reshape(2, 3), a.astype(np.float32), np.asarray(["a", "b"]), np.asarray(["ab"]), [1, 2], "12"]
    assert len({digest(part) for part in different}) == len(different)
    assert digest(a, "x") == digest(a.copy(), "x") != digest("x", a)

"""Finished parts on disk: whole or not at all, damage found, one process at a time, other settings refused."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.errors import InputError
from tl_jax.system.parts import (
    RECORD,
    Parts,
    differences,
    held,
    pack,
    same_study,
    unfinished,
    unlike,
    unpack,
    workplace,
)

ROOT = Path(__file__).resolve().parents[2]
ARRAYS = {"run": np.arange(3), "prediction": np.linspace(0, 1, 6, dtype=np.float32).reshape(3, 2)}


def same(one, two):
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
        assert one[name].dtype == two[name].dtype


def test_arrays_come_back():
    same(unpack(pack(ARRAYS)), ARRAYS)
    assert unpack(b"") is None


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_changed_or_cut_part_is_found(data):
    whole = pack(ARRAYS)
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= data.draw(st.integers(1, 255))
    assert unpack(bytes(flipped)) is None
    assert unpack(whole[:place]) is None
    assert unpack(whole + whole[: place + 1]) is None


def test_damaged_parts_are_named_and_dropped(tmp_path, caplog):
    caplog.set_level("INFO", "tl_jax")
    parts = Parts(tmp_path / "arm")
    assert list(parts.saved()) == []
    for number in (4, 0, 2):
        parts.save(number, {"run": np.asarray([number])})
    assert [int(part["run"][0]) for part in parts.saved()] == [0, 2, 4]
    path = tmp_path / "arm" / "00000002.part"
    path.write_bytes(path.read_bytes()[:-3])
    (tmp_path / "arm" / ".1234-00000006.part").write_bytes(b"of a killed process")
    assert [int(part["run"][0]) for part in parts.saved()] == [0, 4]
    (said,) = caplog.messages
    assert "00000002.part is damaged" in said
    assert not path.exists()


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    parts = Parts(tmp_path / "arm")
    parts.save(0, ARRAYS)

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            parts.save(1, ARRAYS)
    assert [path.name for path in (tmp_path / "arm").iterdir()] == ["00000000.part"]
    same(next(iter(parts.saved())), ARRAYS)


def fail_late(work):
    """A study that breaks after its first finished part."""
    Parts(work / "parts" / "arm").save(0, ARRAYS)
    raise NotADirectoryError


def test_a_workplace_is_kept_only_where_it_holds_something(tmp_path):
    out = tmp_path / "out"
    with workplace(out, resume=False, overwrite=False) as work:
        assert work == unfinished(out)
    assert not work.exists()
    with pytest.raises(ValueError, match="early"), workplace(out, resume=False, overwrite=False):
        raise ValueError("early")
    assert not work.exists()
    with pytest.raises(NotADirectoryError), workplace(out, resume=False, overwrite=False):
        fail_late(work)
    with pytest.raises(InputError, match="add --resume to go on"), workplace(out, resume=False, overwrite=False):
        pass
    with workplace(out, resume=True, overwrite=False):
        assert len(list(Parts(work / "parts" / "arm").saved())) == 1
    assert not work.exists()


def test_overwrite_begins_anew(tmp_path):
    out = tmp_path / "out"
    Parts(unfinished(out) / "parts" / "arm").save(0, ARRAYS)
    with workplace(out, resume=False, overwrite=True) as work:
        assert [path.name for path in work.iterdir()] == ["lock"]


@pytest.mark.parametrize("after", range(5))
def test_killed_while_clearing_away(after, tmp_path, monkeypatch):
    """The record goes last: parts never stand without it, which would make them any study's parts."""
    out, real, calls = tmp_path / "out", os.unlink, []

    def unlink(*args, **kwargs):
        calls.append(args)
        if len(calls) > after:
            raise KeyboardInterrupt
        real(*args, **kwargs)

    def study():
        with workplace(out, resume=False, overwrite=False) as work:
            same_study(work, {"seed": 1})
            for number in range(3):
                Parts(work / "parts" / f"arm{number}").save(0, ARRAYS)
            monkeypatch.setattr(os, "unlink", unlink)

    with pytest.raises(KeyboardInterrupt):
        study()
    assert len(list(unfinished(out).rglob("*.part"))) == max(0, 3 - after)
    assert (unfinished(out) / RECORD).exists() == (after <= 3)


def test_a_place_that_cannot_be_cleared_hides_nothing(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError("no")

    def study():
        with workplace(tmp_path / "out", resume=False, overwrite=False) as work:
            (work / "left").write_text("")
            monkeypatch.setattr(os, "unlink", refuse)
            raise ValueError("early")

    with pytest.raises(ValueError, match="early"):
        study()


def test_parts_without_a_record_are_refused(tmp_path):
    Parts(tmp_path / "parts" / "arm").save(0, ARRAYS)
    with pytest.raises(InputError, match="add --overwrite to begin anew"):
        same_study(tmp_path, {"seed": 1})


def test_a_second_process_is_refused(tmp_path):
    code = f"from pathlib import Path; from tl_jax.system.parts import held\nwith held(Path({str(tmp_path)!r})): pass"
    command = [sys.executable, "-c", code]
    options = {"env": {**os.environ, "PYTHONPATH": str(ROOT)}, "capture_output": True, "text": True, "check": False}
    with held(tmp_path):
        second = subprocess.run(command, **options)
    assert second.returncode != 0
    assert "another process is at work" in second.stderr
    assert subprocess.run(command, **options).returncode == 0


def test_an_unwritable_place_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another --out"), held(tmp_path / "file" / "work"):
        pass


def test_other_settings_are_shown_and_refused(tmp_path):
    record = {"flags": {"epochs": 50, "seed": 400}, "code": "a" * 64, "repeats": (1, 2)}
    same_study(tmp_path, record)
    same_study(tmp_path, {**record, "code": "b" * 64})  # nothing finished yet: a new beginning
    Parts(tmp_path / "parts").save(0, ARRAYS)
    same_study(tmp_path, {**record, "code": "b" * 64})
    with pytest.raises(InputError, match=r"flags.epochs: 50 -> 20.*--overwrite"):
        same_study(tmp_path, {**record, "code": "b" * 64, "flags": {"epochs": 20, "seed": 400}})
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        same_study(tmp_path, record)


def test_flags_that_made_a_record_differ_are_named_alone(tmp_path):
    """Of one drug and of several the records have other entries: all of them were shown, and no flag."""
    one = {"flags": {"folds": 3}, "asked": {"drug": ["A"], "folds": None}}
    two = {"drugs": {"A": {"flags": {"folds": 3}}}, "asked": {"drug": ["A", "B"], "folds": None}}
    same_study(tmp_path, one)
    Parts(tmp_path / "parts").save(0, ARRAYS)
    assert unlike(tmp_path / RECORD, two) == ['--drug: ["A"] -> ["A", "B"]']
    assert unlike(tmp_path / RECORD, {**one, "asked": {"drug": ["a"], "folds": None}}) == []
    assert unlike(tmp_path / RECORD, {**one, "flags": {"folds": 4}}) == ["flags.folds: 3 -> 4"]
    assert unlike(tmp_path / RECORD, {"flags": {"folds": 4}}) == ["flags.folds: 3 -> 4"]


def test_differences_are_by_name():
    before = {"flags": {"a": 1, "b": 2}, "code": "x" * 64, "gone": 1}
    after = {"flags": {"a": 1, "b": [3]}, "code": "y" * 64}
    assert differences(before, after) == ["code changed", "flags.b: 2 -> [3]", "gone: 1 -> null"]

"""Pickled tensors with elements as PyTorch wrote them before 1.6: read right, and harmless."""

import os
import pickle
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from wheel_writer import (
    LOAD,
    MACHINE,
    elements,
    known,
    listed,
    loaded,
    many,
    mapping,
    number,
    packed,
    pickled,
    tensor,
    text,
)
from wheel_writer import tensors as written

from tl_jax.data.tables.legacy_tensors import read_named_tensors
from tl_jax.data.tables.pickled_tensors import Refused

SMALL = np.arange(6, dtype="f4")
FILE = written({"A": SMALL, "B": SMALL + 1})


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_values_come_back_bitwise(kind):
    values = np.random.default_rng(0).normal(size=(3, 50)).astype(kind)
    found = read_named_tensors(written(dict(zip("xyz", values, strict=True))))
    assert list(found) == ["x", "y", "z"]
    assert all(found[n].dtype == kind and (found[n] == v).all() for n, v in zip("xyz", values, strict=True))
    assert not found["x"].flags.writeable


def test_names_given_on_the_stack_are_read_too():
    """Protocol 4 names functions by two texts in place of one operation."""
    new = FILE
    for name in ("torch.storage._load_from_bytes", "torch._utils._rebuild_tensor_v2", "collections.OrderedDict"):
        module, _, last = name.rpartition(".")
        new = new.replace(known(name), text(module) + text(last) + b"\x93")
    assert new != FILE
    assert (read_named_tensors(new)["B"] == SMALL + 1).all()


HARM = {
    "system": lambda folder: (os.system, f"mkdir {folder}"),
    "eval": lambda folder: (eval, f"__import__('os').mkdir({str(folder)!r})"),
    "mkdir": lambda folder: (os.mkdir, str(folder)),
}


class Asks:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("name", HARM)
@pytest.mark.parametrize("inner", [False, True], ids=["outside", "in the elements"])
def test_nothing_is_executed(name, inner, tmp_path):
    folder = tmp_path / "made"
    program = pickle.dumps(Asks(*HARM[name](folder)), 4)
    hostile = pickled(mapping({"A": tensor(SMALL, loaded(program))})) if inner else program
    with pytest.raises(Refused, match="asks for"):
        read_named_tensors(hostile)
    assert not folder.exists()
    pickle.loads(program)  # so that the above can fail
    assert folder.exists()


def test_elements_hold_no_elements_of_their_own():
    """A pickle in the elements may not load a further one: nesting ends at the first level."""
    nested = loaded(elements(SMALL, described=loaded(elements(SMALL))))
    with pytest.raises(Refused, match=r"asks for torch\.storage\._load_from_bytes"):
        read_named_tensors(pickled(mapping({"A": tensor(SMALL, nested)})))


def holding(storage: bytes) -> bytes:
    """A file with one tensor on this storage."""
    return pickled(mapping({"A": tensor(SMALL, storage)}))


def wrong(**parts) -> bytes:
    """A file whose one tensor has a part of its elements wrong."""
    return holding(loaded(elements(SMALL, **parts)))


WRONG = {
    "no dictionary": (pickled(listed(tensor(SMALL))), "no dictionary of tensors"),
    "empty": (pickled(b"}"), "no dictionary of tensors"),
    "a number": (pickled(mapping({"A": number(3)})), "other than a named tensor"),
    "bytes": (pickled(mapping({"A": packed(b"abc")})), "other than a named tensor"),
    "a storage": (pickled(mapping({"A": loaded(elements(SMALL))})), "other than a named tensor"),
    "a number as name": (pickled(b"}" + number(1) + tensor(SMALL) + b"s"), "other than a named tensor"),
    "text as elements": (holding(LOAD + many(text("x")) + b"R"), "unknown way"),
    "a tensor beyond its elements": (pickled(mapping({"A": tensor(SMALL, size=7)})), "over 6 stored elements"),
    "a tensor of texts": (holding(text("x")), "unknown way"),
    "an id": (pickled(text("x") + b"Q"), "outside itself"),
    "whole numbers": (written({"A": SMALL.astype("i8")}), r"asks for torch\.LongStorage"),
    "a big-endian machine": (wrong(machine=mapping({"little_endian": b"\x89"})), "little-endian"),
    "no machine": (wrong(machine=b"N"), "little-endian"),
    "another format": (wrong(magic=number(5)), "unknown format"),
    "another key": (wrong(key="8"), "unknown way"),
    "no description": (wrong(described=b"N"), "unknown way"),
    "another count": (wrong(count=5), "as many as announced"),
    "too few bytes": (wrong(raw=b"abc"), "end early or late"),
    "too many bytes": (wrong(raw=bytes(28)), "end early or late"),
    "no bytes": (holding(loaded(b"")), "is damaged"),
}


@pytest.mark.parametrize("name", WRONG)
def test_anything_else_is_refused_in_one_line(name):
    content, message = WRONG[name]
    with pytest.raises(Refused, match=message) as caught:
        read_named_tensors(content)
    assert "\n" not in str(caught.value)


ZEROS = np.zeros(2000, "f4")
AGAIN = LOAD + b"q\x08" + packed(elements(ZEROS)) + b"q\x09" + b"h\x08h\x09\x85R" * 20_000
NAMED_AGAIN = b"".join(text(f"{i}") + b"h\x09" for i in range(5000))
DOUBLED = b"]q\x00" + b"](h\x00h\x00eq\x00" * 60  # a list that holds a list twice, that holds a list twice, ...
HEAD = b"".join(map(pickled, [number(0x1950A86A20F9469CFC6C), number(1001), MACHINE]))
GREEDY = {
    "one tensor under many names": pickled(
        mapping({"A": tensor(ZEROS) + b"q\x09"}) + b"(" + NAMED_AGAIN + b"u",
    ),
    "one storage loaded again and again": pickled(b"](" + AGAIN + b"e"),
    "a far index of the memo": pickled(b"Nr" + (2**31 - 1).to_bytes(4, "little")),
    "a deep tuple as a key": pickled(b"}" + b")" + b"\x85" * 50_000 + b"Ns"),
    "a list doubled": pickled(DOUBLED),
    "a list doubled as a description": holding(loaded(HEAD + pickled(DOUBLED))),
    "deep lists": pickled(b"]" * 20_000 + b"a" * 19_999),
    "bytes announced": pickled(b"B\xff\xff\xff\x7f"),
    "very long bytes announced": pickled(b"\x8e" + b"\xff" * 7 + b"\x00"),
    "a large tensor": pickled(mapping({"A": tensor(SMALL, size=2**40)})),
    "a large storage": wrong(count=2**40),
}


@pytest.mark.parametrize("name", GREEDY)
def test_a_small_file_takes_little_memory(name):
    content = GREEDY[name]
    tracemalloc.start()
    with pytest.raises(Refused) as caught:
        read_named_tensors(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(str(caught.value)) < 300
    assert peak < 1_000_000 + 100 * len(content)


def attempt(content: bytes) -> None:
    try:
        found, said = read_named_tensors(content), ""
    except Refused as refused:
        found, said = {}, str(refused)
    assert "\n" not in said
    assert all(values.dtype in ("f4", "f8") for values in found.values())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_give_arrays_or_one_line(changes):
    changed = bytearray(FILE)
    for place, byte in changes:
        changed[place] = byte
    attempt(bytes(changed))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(FILE)), st.integers(0, len(FILE)))
def test_a_part_cut_out_gives_arrays_or_one_line(start, end):
    attempt(FILE[: min(start, end)] + FILE[max(start, end) :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_arrays_or_one_line(content):
    attempt(content)
    attempt(pickled(mapping({"A": tensor(SMALL, loaded(content))})))

"""Files made to do harm: nothing is executed, little memory is taken, and any flipped byte ends well."""

import os
import pickle
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from torch_writer import archive, known, listed, many, mapping, number, pickled, saved, state_dict, stored, text, view

from tl_jax.errors import InputError
from tl_jax.weights.torch_file import read_tensors

MODEL = state_dict({"l1.weight": np.arange(6, dtype="f4").reshape(2, 3), "l1.bias": np.ones(2), "n": np.array(3)})


class Asks:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def program(folder: Path) -> dict[str, bytes]:
    """Pickles that make `folder` when they are loaded as usual."""
    command = f"__import__('os').mkdir({str(folder)!r})"
    make = known("os.mkdir") + many(text(str(folder))) + b"R"
    nested = b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n" + many(text("os")) + b"R" + text("mkdir") + b"tR"
    return {
        "system": pickle.dumps(Asks(os.system, f"mkdir {folder}"), 2),
        "eval": pickle.dumps(Asks(eval, command), 2),
        "exec by name": pickle.dumps(Asks(exec, command), 4),
        "function": pickled(make),
        "nested getattr": pickled(nested + many(text(str(folder))) + b"R"),
        "in a dictionary": pickled(mapping({"l1.weight": make})),
        "old instance": b"(" + text(str(folder)) + b"ios\nmkdir\n.",
        "old object": b"(cos\nmkdir\n" + text(str(folder)) + b"o.",
        "by the memo": pickled(known("os.mkdir") + b"q\x010h\x01" + many(text(str(folder))) + b"R"),
    }


@pytest.mark.parametrize("name", list(program(Path())))
def test_nothing_is_executed(name, tmp_path):
    folder = tmp_path / "made"
    hostile = program(folder)[name]
    with pytest.raises(InputError, match=r"asks for|uses "):
        read_tensors(archive({"data.pkl": hostile}))
    assert not folder.exists()
    pickle.loads(hostile)  # so that the above can fail
    assert folder.exists()


@pytest.mark.parametrize(
    "opcode", [b"NR", b"N)\x81", b"N)}\x92", b"\x82\x01", b"(No", b"P1\n", b"\x97", b"\x98", b"Ib1"]
)
def test_operations_that_tensors_do_not_need_are_refused(opcode):
    with pytest.raises(InputError):
        read_tensors(saved(opcode))


def doubled(times: int) -> bytes:
    """A list that holds a list twice, that holds a list twice, ..."""
    return b"]q\x00" + b"](h\x00h\x00eq\x00" * times


GREEDY = {
    "a far index of the memo": b"Nr" + (2**31 - 1).to_bytes(4, "little"),
    "a deep tuple as a key": b"}" + b")" + b"\x85" * 300_000 + b"Ns",
    "a tuple of endless hash as a key": b"}" + b")" + b"q\x00h\x00\x86" * 60 + b"Ns",
    "a list doubled": doubled(60),
    "a list in itself": b"]q\x00h\x00a",
    "a wide list in itself": b"]q\x00(" + b"h\x00" * 5000 + b"e",
    "a dictionary in itself": b"}q\x00" + text("a") + b"h\x00s",
    "long names": mapping({"n" * 50_000: listed(*[b"]"] * 20_000)}),
    "deep lists": b"]" * 50_000 + b"a" * 49_999,
    "deep marks": b"(" * 50_000,
    "a long text announced": b"X\xff\xff\xff\x7f",
    "very long bytes announced": b"\x96" + b"\xff" * 7 + b"\x00",
    "a long frame announced": b"\x95" + b"\xff" * 7 + b"\x00N",
    "a tensor of many dimensions": view(stored("0", "FloatStorage", 4), (1,) * 50_000, (1,) * 50_000),
    "a large tensor over four numbers": view(stored("0", "FloatStorage", 4), (2**40,), (0,)),
    "a large storage": stored("0", "FloatStorage", 2**40),
    "a long number": number(2**2000),
}


@pytest.mark.parametrize("name", GREEDY)
def test_a_small_file_takes_little_memory(name):
    content = saved(GREEDY[name], {"0": bytes(16)})
    tracemalloc.start()
    said = attempt(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(said) < 300
    assert peak < 1_000_000 + 100 * len(content)


def test_a_member_larger_than_the_file_is_refused():
    content = bytearray(saved(b"N"))
    entry = content.index(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = (2**30).to_bytes(4, "little") * 2  # its sizes in the table of contents
    with pytest.raises(InputError, match="members are larger than the file"):
        read_tensors(bytes(content))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(MODEL) - 1), st.integers(0, 255))
def test_a_changed_byte_gives_arrays_or_one_line(place, byte):
    attempt(MODEL[:place] + bytes([byte]) + MODEL[place + 1 :])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, len(MODEL)), st.integers(0, len(MODEL)))
def test_a_file_with_a_part_cut_out_gives_arrays_or_one_line(start, end):
    attempt(MODEL[: min(start, end)] + MODEL[max(start, end) :])


PROGRAM = pickled(
    mapping({"a": view(stored("0", "FloatStorage", 4), (2, 2), (2, 1)), "b": listed(number(1), text("x"))})
)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(PROGRAM) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@example([(0, 0x80)])
def test_a_changed_program_gives_arrays_or_one_line(changes):
    changed = bytearray(PROGRAM)
    for place, byte in changes:
        changed[place] = byte
    attempt(archive({"data.pkl": bytes(changed), "data/0": bytes(16)}))


def attempt(content: bytes) -> str:
    """What is said of a file; "" where its tensors are arrays that can be read."""
    try:
        found = read_tensors(content)
    except InputError as fault:
        return str(fault)
    for values in found.values():
        assert isinstance(values, np.ndarray)
        values.sum()
    return ""

"""Files of torch.save: every layout and type against numpy, and each fault of a file in one line."""

import io
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from torch_writer import (
    STORAGES,
    archive,
    known,
    listed,
    many,
    mapping,
    number,
    ordered,
    pickled,
    saved,
    state_dict,
    stored,
    text,
    view,
)

from tl_jax.errors import InputError
from tl_jax.weights.torch_file import read_tensors

FOUR = np.arange(4, dtype="f4")
FLOATS = stored("0", "FloatStorage", 4)


def four(size=(4,), stride=(1,), offset=0, *more):
    """A file of one tensor on four floats."""
    return saved(mapping({"a": view(FLOATS, size, stride, offset, *more)}), {"0": FOUR.tobytes()})


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(STORAGES)),
    st.lists(st.integers(0, 4), max_size=4),
    st.integers(0, 10_000),
    st.booleans(),
    st.data(),
)
def test_any_view_of_any_type_is_numpys(kind, shape, seed, big, data):
    rng = np.random.default_rng(seed)
    base = np.array(rng.integers(0, 2 if kind == "b1" else 100, shape), kind)
    order = data.draw(st.permutations(range(len(shape))))
    cut = tuple(slice(data.draw(st.integers(0, n)), n, data.draw(st.integers(1, 3))) for n in shape)
    wanted = base[(*cut, ...)].transpose(order)
    offset = (wanted.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // base.itemsize
    strides = [step // base.itemsize for step in wanted.strides]
    tensor = view(stored("7", STORAGES[kind], base.size), wanted.shape, strides, offset if wanted.size else 0)
    raw = base.astype(base.dtype.newbyteorder(">" if big else "<")).tobytes()
    found = read_tensors(saved(mapping({"x": tensor}), {"7": raw}, byteorder=b"big" if big else b"little"))
    assert list(found) == ["x"]
    assert found["x"].dtype == base.dtype
    np.testing.assert_array_equal(found["x"], wanted)
    assert found["x"].dtype.isnative
    assert not found["x"].flags.writeable


def test_brain_floats_become_floats():
    values = np.array([0.0, 1.0, -2.5, np.inf, 3.140625, 2.0**-130], "f4")  # exact in 8 bits of precision
    raw = (values.view("u4") >> 16).astype("<u2").tobytes()
    found = read_tensors(saved(mapping({"x": view(stored("0", "BFloat16Storage", 6), (2, 3), (3, 1))}), {"0": raw}))
    np.testing.assert_array_equal(found["x"], values.reshape(2, 3))
    assert found["x"].dtype == np.float32


def test_names_are_joined_and_other_things_left_out():
    tensor = view(stored("0", "FloatStorage", 4, "cuda:3"), (4,), (1,))
    parameter = known("torch._utils._rebuild_parameter") + many(tensor, b"\x88", b"}") + b"R"
    rest = {"epoch": number(3), "name": text("x"), "rate": b"G" + bytes(8), "best": b"N"}
    inner = ordered({"l1.weight": tensor, "l1.bias": parameter})
    value = mapping({"model": inner, "moments": listed(tensor, many(tensor, b"\x88")), **rest})
    found = read_tensors(saved(value, {"0": FOUR.tobytes()}))
    assert list(found) == ["model.l1.weight", "model.l1.bias", "moments.0", "moments.1.0"]
    assert all(np.array_equal(values, FOUR) for values in found.values())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol(protocol):
    plain = pickle.dumps({"a": [1, {"b": "c"}], "d": (True, None, 2.5, 2**70, -1, 300)}, protocol)
    assert read_tensors(archive({"data.pkl": plain})) == {}


def test_files_are_read_by_path_and_named(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(state_dict({"w": FOUR}))
    np.testing.assert_array_equal(read_tensors(path)["w"], FOUR)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"model.pth is no zip archive"):
        read_tensors(str(path))
    for wrong in (tmp_path, tmp_path / "absent.pth", "a\0b"):
        with pytest.raises(InputError, match=r"is not a file|cannot read"):
            read_tensors(wrong)


FAULTS = {
    "beyond its 4 stored": [four((2,), (4,)), four((4,), (1,), 1), four((2, 2), (3, 1)), four((0,), (1,), 5)],
    "over 4 stored elements": [four((5,), (1,)), four((2**40,), (0,)), four((2**61, 2**61), (0, 0))],
    "no short row of whole numbers": [
        four((4,), (-1,), 3),
        four((-4,), (1,)),
        four((4,), (1, 1)),
        four((4,), (1,), -1),
        four((2**62,), (1,)),
        four((1,) * 33, (1,) * 33),
        four(None, None),
    ],
    "metadata": [four((4,), (1,), 0, mapping({"conj": b"\x88"}))],
    "unknown way": [
        saved(known("torch._utils._rebuild_tensor_v2") + b")R"),
        saved(known("torch._utils._rebuild_tensor_v2") + many(*[number(1)] * 6) + b"R"),
        saved(known("torch._utils._rebuild_parameter") + many(b"N", b"N", b"N") + b"R"),
        saved(known("collections.OrderedDict") + many(b"]") + b"R"),
        *(
            saved(pid + b"Q")
            for pid in (
                b"N",
                text("0"),
                many(text("storage")),
                many(text("module"), known("torch.FloatStorage"), text("0"), text("cpu"), number(1)),
                many(text("storage"), text("FloatStorage"), text("0"), text("cpu"), number(1)),
                many(text("storage"), known("torch.FloatStorage"), number(0), text("cpu"), number(1)),
                many(text("storage"), known("torch.FloatStorage"), text("0"), text("cpu"), b"\x88"),
                many(text("storage"), known("torch.FloatStorage"), text("0"), text("cpu"), number(-1)),
                many(text("storage"), known("torch.FloatStorage"), text("0"), text("cpu"), many()),
            )
        ),
    ],
    "asks for argparse.Namespace": [saved(known("argparse.Namespace") + b")R")],
    "asks for torch.nn.modules.linear.Linear, .* state_dict": [saved(known("torch.nn.modules.linear.Linear") + b")R")],
    "kind that is not read .torch._utils._rebuild_sparse_tensor": [saved(known("torch._utils._rebuild_sparse_tensor"))],
    "key of type tuple": [saved(b"}" + many(number(1)) + b"Ns")],
    "key of type bool": [saved(b"}\x88Ns")],
    "calls what is no known function": [saved(text("f") + b")R"), saved(known("torch.FloatStorage") + b")R")],
    "sets the items": [saved(b"]" + text("k") + b"Ns"), saved(b"}(Nu")],
    "appends to": [saved(b"}Na")],
    "gives attributes": [saved(b"]}b")],
    "makes no sense": [saved(b"h\x07")],
    "is damaged: its list": [
        saved(b"t"),
        saved(b""),
        archive({"data.pkl": b""}),
        archive({"data.pkl": b"\x80\x02X\xff"}),
    ],
    "two tensors named": [
        saved(
            mapping({"a.b": view(FLOATS, (4,), (1,)), "a": mapping({"b": view(FLOATS, (1,), (1,))})}),
            {"0": FOUR.tobytes()},
        )
    ],
    "lacks its member data/0": [saved(FLOATS)],
    "has 3 elements where 4": [saved(FLOATS, {"0": bytes(15)})],
    "no data.pkl": [archive({"other": b""}), archive({"deep/data.pkl": b"N."})],
    "compressed": [archive({"data.pkl": pickled(b"N")}, compression=zipfile.ZIP_DEFLATED)],
    "byte order b.middle": [saved(b"N", byteorder=b"middle")],
    "before 1.6; write it anew": [pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02M\xe9\x03."],
    "no zip archive": [b"", b"PK\x03\x04", b"archive", state_dict({"w": FOUR})[:-30]],
}


@pytest.mark.parametrize(("words", "content"), [(words, file) for words, files in FAULTS.items() for file in files])
def test_a_fault_is_one_line(words, content):
    with pytest.raises(InputError, match=words) as fault:
        read_tensors(content, "m.pth")
    assert str(fault.value).startswith("m.pth ")
    assert len(str(fault.value)) < 300


def test_two_folders_and_two_members_of_one_name_are_refused():
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = duplicate("archive/data.pkl", "archive/data.pkl")
    with pytest.raises(InputError, match="two members of one name"):
        read_tensors(twice)
    with pytest.raises(InputError, match=r"no data\.pkl in a folder of its own"):
        read_tensors(duplicate("a/data.pkl", "b/data.pkl"))


def duplicate(*names):
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as content:
            for name in names:
                content.writestr(name, pickled(b"N"))
        return file.getvalue()

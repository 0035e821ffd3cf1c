"""Files as torch.save writes them, put together by hand, so that tests need no PyTorch."""

import io
import zipfile

import numpy as np

STORAGES = {
    "f8": "DoubleStorage",
    "f4": "FloatStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "i4": "IntStorage",
    "i2": "ShortStorage",
    "i1": "CharStorage",
    "u1": "ByteStorage",
    "b1": "BoolStorage",
    "c8": "ComplexFloatStorage",
    "c16": "ComplexDoubleStorage",
}


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + len(raw).to_bytes(4, "little") + raw


def number(value: int) -> bytes:
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def known(name: str) -> bytes:
    module, _, last = name.rpartition(".")
    return f"c{module}\n{last}\n".encode()


def many(*items: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(items) + b"t"


def listed(*items: bytes) -> bytes:
    return b"](" + b"".join(items) + b"e"


def mapping(items: dict, start: bytes = b"}") -> bytes:
    return start + b"(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def ordered(items: dict) -> bytes:
    """An OrderedDict with an attribute, as state_dict() gives it."""
    return mapping(items, known("collections.OrderedDict") + b")R") + mapping({"_metadata": b"}"}) + b"b"


def stored(key: str, kind: str, count: int, device: str = "cpu") -> bytes:
    return many(text("storage"), known(f"torch.{kind}"), text(key), text(device), number(count)) + b"Q"


def view(storage: bytes, size, stride, offset: int = 0, *more: bytes) -> bytes:
    """A tensor on a storage. A size of None is written as a list, which is no size."""
    rows = (b"]" if row is None else many(*map(number, row)) for row in (size, stride))
    hooks = known("collections.OrderedDict") + b")R"
    return known("torch._utils._rebuild_tensor_v2") + many(storage, number(offset), *rows, b"\x89", hooks, *more) + b"R"


def pickled(value: bytes) -> bytes:
    return b"\x80\x02" + value + b"."


def archive(members: dict[str, bytes], top: str = "archive", compression=zipfile.ZIP_STORED) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", compression) as content:
            for name, raw in members.items():
                content.writestr(f"{top}/{name}", raw)
        return file.getvalue()


def saved(value: bytes, storages: dict[str, bytes] | None = None, **members: bytes) -> bytes:
    """A file with this value (without its frame) and the storages' bytes."""
    data = {f"data/{key}": raw for key, raw in (storages or {}).items()}
    return archive({"data.pkl": pickled(value), **members, **data, "version": b"3\n"})


def state_dict(arrays: dict[str, np.ndarray]) -> bytes:
    """A file with these arrays as the tensors of an OrderedDict, one storage each."""
    tensors = {}
    for key, (name, array) in enumerate(arrays.items()):
        strides = [step // array.itemsize for step in np.array(array, order="C").strides]
        kind = STORAGES[array.dtype.str[1:]]
        tensors[name] = view(stored(str(key), kind, array.size), array.shape, strides)
    return saved(ordered(tensors), {str(key): array.tobytes() for key, array in enumerate(arrays.values())})

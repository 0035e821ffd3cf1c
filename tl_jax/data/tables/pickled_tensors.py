"""Pickles of tensors as PyTorch writes them, read without PyTorch and without running what they ask for.

A pickle is a program. `pickle.Unpickler` with a strict `find_class` keeps it from importing, but not from harm: nine
bytes make it take gigabytes (an index of its memo), and a deep tuple as a key ends the process. So the few operations
that tensors in dictionaries and lists need are carried out here, on the operations that `pickletools` parses; no other
operation, and no name outside a table, is known. Memory stays in proportion to the bytes that are read.
"""

from __future__ import annotations

import math
import pickletools
import warnings
from collections.abc import Callable, Mapping
from typing import BinaryIO, NamedTuple

import numpy as np

DIMENSIONS = 32  # of a tensor, at most
KEPT = 80  # characters of a file's own words in a message

# Names of storages and their elements. BFloat16 has no counterpart in numpy: its bits are the upper half of a float32.
STORAGES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16",
}
RAW = {"bf16": "u2", "bool": "u1"}  # as they lie in the file, where this is not the name itself


class Refused(ValueError):
    """What a pickle may not hold, in words that follow the file's name."""


class StorageType(NamedTuple):
    """The elements of a storage: a value of STORAGES."""

    code: str

    @property
    def itemsize(self) -> int:
        return np.dtype(RAW.get(self.code, self.code)).itemsize


class Storage(NamedTuple):
    """The elements that tensors are views of, (k,), read-only."""

    values: np.ndarray


def storage(raw: bytes, kind: StorageType, order: str = "<") -> Storage:
    """Elements from their bytes in `order` ("<" or ">"), in this machine's; bfloat16 becomes float32."""
    stored = np.dtype(RAW.get(kind.code, kind.code)).newbyteorder(order)
    values = np.frombuffer(raw, stored).astype(stored.newbyteorder("="), copy=False)
    if kind.code == "bf16":
        values = (values.astype("u4") << 16).view("f4")
    if kind.code == "bool":
        values = values != 0
    values.flags.writeable = False
    return Storage(values)


def tensor(args: tuple) -> np.ndarray:
    """A read-only view of a storage: (storage, offset, size, stride, requires_grad, hooks[, metadata]).

    Offset and strides count elements. A view that leaves its storage is refused, as is one with more elements than the
    storage (an expanded tensor), of which a copy could be of any size.
    """
    if len(args) not in (6, 7) or not isinstance(args[0], Storage):
        raise Refused("describes a tensor in an unknown way")
    (values,), offset, size, stride = args[:4]
    if not (_counts((offset,)) and _counts(size) and _counts(stride) and len(size) == len(stride) <= DIMENSIONS):
        raise Refused("describes a tensor by an offset, size or stride that is no short row of whole numbers from 0 on")
    if len(args) == 7 and args[6]:
        raise Refused("holds a tensor with metadata (a lazy conjugate, say); save tensor.resolve_conj().resolve_neg()")
    count, held = math.prod(size), len(values)
    if count > held:
        raise Refused(f"holds a tensor of size {short(size)} over {held} stored elements; save tensor.contiguous()")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if offset > held if count == 0 else last >= held:
        raise Refused(f"holds a tensor of size {short(size)} that reaches beyond its {held} stored elements")
    if count == 0:
        return values[:0].reshape(size)
    strides = [step * values.itemsize if n > 1 else 0 for n, step in zip(size, stride, strict=True)]
    view = np.ndarray(size, values.dtype, values, offset * values.itemsize, strides)
    view.flags.writeable = False
    return view


def parameter(args: tuple) -> np.ndarray:
    """The tensor of a parameter: (tensor, requires_grad, hooks)."""
    if len(args) != 3 or not isinstance(args[0], np.ndarray):
        raise Refused("describes a parameter in an unknown way")
    return args[0]


def ordered(args: tuple) -> dict:
    """An empty OrderedDict; a dictionary keeps its order here."""
    if args:
        raise Refused("fills a dictionary in an unknown way")
    return {}


# All names that a pickle may ask for. A function is called on the tuple of its arguments; all else is a plain value.
TENSOR_NAMES: Mapping[str, object] = {
    "collections.OrderedDict": ordered,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_parameter": parameter,
    **{f"torch.{name}": StorageType(code) for name, code in STORAGES.items()},
}


def read_pickle(data: bytes | BinaryIO, persistent: Callable[[object], object], names=TENSOR_NAMES) -> object:
    """What a pickle describes: dictionaries, lists, tuples, numbers, text, and what `names` and `persistent` make.

    data: of several pickles in a stream the next one is read, and the stream stands behind it. persistent: called on
    each persistent id. names: {"module.name": value or function of a tuple}. Raises Refused for anything else; nothing
    is imported, and no attribute of anything is looked up.
    """
    machine = _Machine(names, persistent)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=DeprecationWarning, module="pickletools")  # odd escapes
            for operation, argument, _ in pickletools.genops(data):
                machine.step(operation.name, argument)
        return machine.stack[-1]
    except Refused:
        raise
    except (ValueError, IndexError, KeyError, UnicodeError) as error:
        raise Refused(f"is damaged: its list of tensors ends early or makes no sense ({short(error)})") from error


class _Machine:
    """The stack of a pickle's program, the stacks below its marks, and its memo."""

    def __init__(self, names: Mapping[str, object], persistent: Callable[[object], object]):
        self.names, self.persistent = names, persistent
        self.stack: list = []
        self.below: list[list] = []
        self.memo: dict[int, object] = {}

    def step(self, operation: str, argument) -> None:
        if operation not in _STEPS:
            raise Refused(f"uses {operation}, which tensors in dictionaries and lists do not need")
        _STEPS[operation](self, argument)

    def push(self, value) -> None:
        self.stack.append(value)

    def mark(self, _) -> None:
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list:
        items, self.stack = self.stack, self.below.pop()
        return items

    def last(self, count: int) -> list:
        if len(self.stack) < count:
            raise IndexError("too few values")
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items

    def name(self, words) -> None:
        known = ".".join(words)
        if known not in self.names:
            if known.startswith("torch._utils._rebuild_"):
                raise Refused(f"holds a tensor of a kind that is not read ({short(known)}); save tensor.float()")
            raise Refused(f"asks for {short(known)}, which is not loaded; save the model's state_dict() alone")
        self.push(self.names[known])

    def stack_name(self, _) -> None:
        words = self.last(2)
        if any(type(word) is not str for word in words):
            raise Refused("asks for a class by something other than its name")
        self.name(words)

    def call(self, _) -> None:
        function, args = self.last(2)
        if not callable(function) or type(args) is not tuple:
            raise Refused("calls what is no known function")
        self.push(function(args))

    def state(self, _) -> None:
        """Attributes of a dictionary (a state dict's versions of modules) hold no tensor and are left out."""
        if self.last(1) and type(self.stack[-1]) is not dict:
            raise Refused("gives attributes to something other than a dictionary")

    def put(self, pairs: list) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(pairs) % 2:
            raise Refused("sets the items of something other than a dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if type(key) not in (str, int):  # the hash of a nested tuple can take forever, or end the process
                raise Refused(f"has a key of type {type(key).__name__} in a dictionary; keys are text or whole numbers")
            target[key] = value

    def extend(self, values: list) -> None:
        if type(self.stack[-1]) is not list:
            raise Refused("appends to something other than a list")
        self.stack[-1].extend(values)


_STEPS: dict[str, Callable[[_Machine, object], None]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), lambda m, a: None),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), _Machine.push),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"), _Machine.push),
    "NONE": lambda m, a: m.push(None),
    "NEWTRUE": lambda m, a: m.push(True),
    "NEWFALSE": lambda m, a: m.push(False),
    "MARK": _Machine.mark,
    "EMPTY_TUPLE": lambda m, a: m.push(()),
    "TUPLE": lambda m, a: m.push(tuple(m.since_mark())),
    "TUPLE1": lambda m, a: m.push(tuple(m.last(1))),
    "TUPLE2": lambda m, a: m.push(tuple(m.last(2))),
    "TUPLE3": lambda m, a: m.push(tuple(m.last(3))),
    "EMPTY_LIST": lambda m, a: m.push([]),
    "APPEND": lambda m, a: m.extend(m.last(1)),
    "APPENDS": lambda m, a: m.extend(m.since_mark()),
    "EMPTY_DICT": lambda m, a: m.push({}),
    "SETITEM": lambda m, a: m.put(m.last(2)),
    "SETITEMS": lambda m, a: m.put(m.since_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda m, a: m.memo.__setitem__(a, m.stack[-1])),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda m, a: m.push(m.memo[a])),
    "MEMOIZE": lambda m, a: m.memo.__setitem__(len(m.memo), m.stack[-1]),
    "GLOBAL": lambda m, a: m.name(a.split(" ")),
    "STACK_GLOBAL": _Machine.stack_name,
    "BINPERSID": lambda m, a: m.push(m.persistent(m.last(1)[0])),
    "REDUCE": _Machine.call,
    "BUILD": _Machine.state,
}


def _counts(numbers) -> bool:
    """Whether these are a tuple of whole numbers, none negative, each of which an array could have."""
    return type(numbers) is tuple and all(type(n) is int and 0 <= n < 2**62 for n in numbers)


def short(value) -> str:
    """A file's own words or numbers, short and printable."""
    words = ascii(str(value))[1:-1]
    return words if len(words) <= KEPT else words[:KEPT] + "..."

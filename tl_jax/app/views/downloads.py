"""Page: everything that a study left as files, and the command that repeats it."""

from __future__ import annotations

import io
import shlex
import zipfile
from pathlib import Path

import streamlit as st

from tl_jax.app.parts.jobs import read
from tl_jax.app.parts.markup import letters, put, say
from tl_jax.app.parts.report import written
from tl_jax.app.parts.studies import Known
from tl_jax.app.parts.visit import chosen
from tl_jax.report.page.tags import tag

GROUPS = {
    "Report": (".html",),
    "Tables": (".csv", ".parquet", ".json", ".toml"),
    "Figures": (".png", ".svg"),
    "Cells as AnnData": (".h5ad",),
}
# Flags that say where a run goes and not what it is.
PLACES = ("out", "overwrite", "resume", "output_dir", "data_dir", "checkpoint_dir", "track")
MOST = 200_000_000  # bytes of one download
# Scripts by the name that summary.json gives the study.
SUBCOMMANDS = {"two_step_study": "study", "scdeal": "cells", "dti_transfer": "compounds"}
EXPERIMENTS = tuple(f"exp{number}" for number in range(1, 8))


def show() -> None:
    """The page."""
    study = chosen(None)
    if study is None:
        say("There is no finished study yet.")
        return
    repeat(study)
    files = [path for path in sorted(study.folder.iterdir()) if path.is_file() and not path.is_symlink()]
    total = sum(path.stat().st_size for path in files)
    put(tag("h2", "Files"))
    if total <= MOST:
        data = packed(str(study.folder), written(study.folder))
        st.download_button(f"All {len(files)} files ({size(len(data))})", data, f"{study.kind}.zip", on_click="ignore")
    for title, endings in GROUPS.items():
        own = [path for path in files if path.suffix in endings]
        if own:
            put(tag("h3", title))
            offered(own)


def offered(files: list[Path]) -> None:
    """A button for each file; what is read is read when the button is pressed."""
    with st.container(horizontal=True):
        for path in files:
            big = path.stat().st_size
            if big > MOST:
                say(f"{path.name}: {size(big)}, too large for a browser; it stands in the folder of the study.")
                continue
            words = f"{path.name} ({size(big)})"
            st.download_button(words, path.read_bytes, path.name, key=f"file-{path.name}", on_click="ignore")


def repeat(study: Known) -> None:
    """The command that repeats the study."""
    put(tag("h2", "The command that repeats it"))
    letters([command_of(study.folder)], "command")


def command_of(folder: Path) -> str:
    """The command with the flags that summary.json has; a remark where it has none."""
    if argv := read(folder.parent / "job.json").get("argv"):
        return shlex.join(["tl_jax", *(word for word in argv if word != "--resume")])
    summary = read(folder / "summary.json")
    name, flags = str(summary.get("experiment") or ""), summary.get("flags")
    if not name or not isinstance(flags, dict):
        return told(folder, name)
    subcommand = SUBCOMMANDS.get(name, name.split("_")[0] if name.split("_")[0] in EXPERIMENTS else name)
    words = [f"--{key}={value}" for key, one in flags.items() if (value := flag(key, one)) is not None]
    return " ".join(["tl_jax", subcommand, *map(shlex.quote, words), "--out=results/again"])


def told(folder: Path, name: str) -> str:
    """What can be said where a study recorded no flags."""
    if not name:
        return "# summary.json does not say which study this is"
    return f"# {name}: the settings stand in study.json and summary.json of this study; it recorded no flags"


def flag(name: str, value: object) -> str | None:
    """The value of a flag as one writes it; None for one that was left at nothing, or that says where a run goes."""
    if name in PLACES or value in (None, ""):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value)) if value else None
    return str(value)


@st.cache_data(max_entries=2, show_spinner="Packing the files")
def packed(folder: str, moment: float) -> bytes:
    """All files of a study in one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(Path(folder).iterdir()):
            if path.is_file() and not path.is_symlink():
                archive.write(path, path.name)
    return buffer.getvalue()


def size(count: int) -> str:
    """Bytes as one reads them."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(count / 1e3, 0.1):.1f} kB"

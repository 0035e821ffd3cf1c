"""pip and Google Drive as ways to a file, with stand-ins for both."""

import hashlib
import inspect
import io
import subprocess
import zipfile

import pytest

pytest.importorskip("pooch", reason="downloads need pip install tl_jax[fetch]")
from tl_jax.errors import InputError
from tl_jax.fetch import sources
from tl_jax.fetch.checks import WrongHash
from tl_jax.fetch.manifest import RemoteFile
from tl_jax.fetch.sources import Unreachable, obtain


def wheel(text="x"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("pack/data.csv", text)
    return stream.getvalue()


RIGHT, WRONG = wheel("right"), wheel("wrong")
KNOWN = hashlib.sha256(RIGHT).hexdigest()
ENTRY = RemoteFile("pack-1-py3-none-any.whl", pip="pack==1", size=len(RIGHT))


@pytest.fixture
def by_pip(tmp_path, monkeypatch):
    """by_pip(content or error text) fetches with a pip that gives this."""

    def run(content, known=KNOWN):
        def pip(command, **_):
            assert command[1:4] == ["-m", "pip", "download"]
            assert {"--no-deps", "--only-binary=:all:", "pack==1"} <= set(command)
            folder = next(word for word in command if word.startswith("--dest=")).removeprefix("--dest=")
            if isinstance(content, bytes):
                (sources.Path(folder) / ENTRY.name).write_bytes(content)
                return subprocess.CompletedProcess(command, 0, "", "")
            return subprocess.CompletedProcess(command, 1, "", f"WARNING: w\nERROR: {content}\n")

        monkeypatch.setattr(sources.subprocess, "run", pip)
        into = tmp_path / "arrived.whl"
        obtain(ENTRY, into, known, print)
        return into.read_bytes()

    return run


def test_pip_gives_the_wheel(by_pip, tmp_path):
    assert by_pip(RIGHT) == RIGHT
    assert [p.name for p in tmp_path.iterdir()] == ["arrived.whl"]


def test_the_hash_is_enforced_on_what_pip_gives(by_pip, tmp_path):
    with pytest.raises(WrongHash, match=r"SHA-256 .* instead of"):
        by_pip(WRONG)
    assert not list(tmp_path.iterdir())


def test_what_pip_says_is_passed_on(by_pip):
    with pytest.raises(Unreachable, match="No matching distribution"):
        by_pip("No matching distribution")


def test_without_pip_the_address_is_tried(by_pip, monkeypatch):
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unreachable, match="no pip"):
        by_pip(RIGHT)


def test_drive_is_asked_in_gdowns_own_words(tmp_path, monkeypatch):
    gdown = pytest.importorskip("gdown")
    signature = inspect.signature(gdown.download)

    def download(**options):
        signature.bind(**options)
        assert options["id"] == "abc"
        sources.Path(options["output"]).write_bytes(RIGHT)

    monkeypatch.setattr(gdown, "download", download)
    into = tmp_path / "a.zip"
    assert obtain(RemoteFile("a.zip", drive="abc"), into, KNOWN, print) == "Google Drive abc"
    assert into.read_bytes() == RIGHT


def test_a_page_that_gdown_cannot_read_is_one_line(tmp_path, monkeypatch):
    gdown = pytest.importorskip("gdown")

    def download(**_):
        raise AssertionError("no form")

    monkeypatch.setattr(gdown, "download", download)
    with pytest.raises(Unreachable, match="no form"):
        obtain(RemoteFile("a.zip", drive="abc"), tmp_path / "a.zip", "", print)


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(sources.importlib, "import_module", absent)
    with pytest.raises(InputError, match=r"pip install tl_jax\[fetch\]"):
        obtain(RemoteFile("a.csv", addresses=("https://x.org/a.csv",)), tmp_path / "a", "", print)

"""A set into a folder: hashes, trust on first use, mirrors, files placed by hand, steps after the download."""

import hashlib
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from serving import Page, server

pytest.importorskip("pooch", reason="downloads need pip install tl_jax[fetch]")
from tl_jax.errors import InputError
from tl_jax.fetch import checks
from tl_jax.fetch.download import Patience
from tl_jax.fetch.manifest import DataSet, Member, RemoteFile
from tl_jax.fetch.place import Placing
from tl_jax.system.parts import held

TABLE, NEWER = b"gene,value\nMGMT,1\n", b"gene,value\nMGMT,2\n"
HASTE = Patience(tries=2, pause=0.0, connect=2, read=0.5)


def sha(content):
    return hashlib.sha256(content).hexdigest()


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv", content)
    return stream.getvalue()


@pytest.fixture
def web():
    with server() as running:
        running.pages["/t.csv"] = Page(TABLE)
        yield running


@pytest.fixture
def home(web, tmp_path):
    """home.fetch(file, ...) fetches a set of these files into home.folder; home.said is what was told."""

    class Home:
        folder = tmp_path / "data"

        def fetch(self, *files, **options):
            self.said = []
            dataset = DataSet("mine", "Mine", "1", ("1",), "none", "", (), files)
            return Placing(dataset, self.folder, self.said.append, patience=HASTE, **options).run()

        def file(self, path="/t.csv", **more):
            more = {"addresses": (web.at(path),), **more}
            return RemoteFile(**{"name": path.strip("/"), **more})

        def names(self):
            return sorted(p.name for p in self.folder.iterdir())

        def record(self, name="t.csv"):
            return json.loads((self.folder / "fetched.json").read_text())["files"][name]

    return Home()


def test_a_file_is_placed_and_recorded(home, web):
    assert home.fetch(home.file()) == [home.folder / "t.csv"]
    assert (home.folder / "t.csv").read_bytes() == TABLE
    assert home.names() == [".fetch", "fetched.json", "t.csv"]
    record = home.record()
    assert (record["address"], record["bytes"], record["sha256"]) == (web.at("/t.csv"), len(TABLE), sha(TABLE))
    assert (record["set"], record["release"]) == ("mine", "1")
    assert record["date"].endswith("UTC")
    assert any("trusted on first use" in line for line in home.said)


def test_what_is_there_is_not_fetched_again(home, web):
    home.fetch(home.file())
    home.fetch(home.file(sha256=sha(TABLE)))
    assert len(web.asked) == 1
    assert any("right hash" in line for line in home.said)


@pytest.mark.parametrize("known", ["", sha(TABLE)])
def test_a_file_that_was_changed_is_refused_and_left_alone(home, known):
    home.fetch(home.file(sha256=known))
    (home.folder / "t.csv").write_bytes(NEWER)
    with pytest.raises(InputError, match=r"t\.csv has SHA-256 .* instead of .*; move it away"):
        home.fetch(home.file(sha256=known))
    assert (home.folder / "t.csv").read_bytes() == NEWER


def test_a_known_hash_is_enforced(home, web):
    with pytest.raises(InputError, match=r"could not be fetched .*it is not the file that the manifest means"):
        home.fetch(home.file(sha256=sha(NEWER)))
    assert home.names() == [".fetch"]


def test_the_hash_of_the_first_time_is_enforced(home, web):
    home.fetch(home.file())
    (home.folder / "t.csv").unlink()
    web.pages["/t.csv"] = Page(NEWER)
    with pytest.raises(InputError, match=r"--accept_new_hash=t\.csv"):
        home.fetch(home.file())
    assert home.names() == [".fetch", "fetched.json"]
    assert home.record()["sha256"] == sha(TABLE)
    home.fetch(home.file(), accept=["t.csv"])
    assert any(line.startswith("ATTENTION") for line in home.said)
    assert home.record()["sha256"] == sha(NEWER)
    home.fetch(home.file())


def test_a_file_on_the_disk_is_accepted_anew(home):
    home.fetch(home.file())
    (home.folder / "t.csv").write_bytes(NEWER)
    home.fetch(home.file(), accept=["t.csv"])
    assert any(line.startswith("ATTENTION") for line in home.said)
    assert home.record()["sha256"] == sha(NEWER)


@pytest.mark.parametrize("there", [True, False])
def test_the_manifests_hash_cannot_be_replaced(home, there):
    if there:
        home.folder.mkdir()
        (home.folder / "t.csv").write_bytes(NEWER)
    with pytest.raises(InputError):
        home.fetch(home.file(sha256=sha(TABLE)), accept=["t.csv"])


def test_a_file_that_was_there_before_is_trusted_from_now_on(home, web):
    home.folder.mkdir()
    (home.folder / "t.csv").write_bytes(NEWER)
    home.fetch(home.file())
    assert not web.asked
    assert home.record()["sha256"] == sha(NEWER)


@pytest.mark.parametrize(
    "broken",
    [
        Page(statuses=[404]),
        Page(statuses=[500]),
        Page(b"<html>moved</html>"),
        Page(b""),
        Page(TABLE, wait=0.8),
        Page(TABLE, cuts=[5]),
        Page(NEWER),
    ],
    ids=["404", "500", "page", "empty", "silent", "cut", "other"],
)
def test_the_mirror_serves_where_the_first_address_does_not(home, web, broken):
    web.pages["/first"] = broken
    home.fetch(home.file(addresses=(web.at("/first"), web.at("/t.csv")), sha256=sha(TABLE)))
    assert (home.folder / "t.csv").read_bytes() == TABLE
    assert home.record()["address"] == web.at("/t.csv")
    assert home.names() == [".fetch", "fetched.json", "t.csv"]


def test_where_nothing_serves_one_line_says_what_was_seen(home, web):
    with pytest.raises(InputError) as caught:
        home.fetch(home.file("/a.csv"), home.file(), home.file("/b.csv"))
    text = str(caught.value)
    assert text.count("404") == 2
    assert "--from_dir" in text
    assert web.at("/b.csv") in text
    assert (home.folder / "t.csv").read_bytes() == TABLE, "what could be had is there"


def test_files_placed_by_hand(home, web, tmp_path):
    (tmp_path / "t.csv").write_bytes(TABLE)
    home.fetch(home.file(), from_dir=tmp_path)
    assert not web.asked
    assert home.record()["address"] == f"by hand, {tmp_path / 't.csv'}"
    with pytest.raises(InputError, match=r"holds no file u\.csv"):
        home.fetch(home.file(), home.file("/u.csv"), from_dir=tmp_path)
    assert not web.asked


@pytest.mark.parametrize(
    ("content", "entry", "match"),
    [
        (NEWER, {"sha256": sha(TABLE)}, "SHA-256"),
        (TABLE, {"size": 3}, "bytes instead of 3"),
        (b"<!doctype html>", {}, "web page"),
        (b"", {}, "empty"),
    ],
)
def test_files_placed_by_hand_are_checked(home, tmp_path, content, entry, match):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=match):
        home.fetch(home.file(**entry), from_dir=tmp_path)
    assert home.names() == [".fetch"]


def test_the_recorded_hash_holds_for_files_placed_by_hand(home, tmp_path):
    home.fetch(home.file())
    (home.folder / "t.csv").unlink()
    (tmp_path / "t.csv").write_bytes(NEWER)
    with pytest.raises(InputError, match="accept_new_hash"):
        home.fetch(home.file(), from_dir=tmp_path)
    home.fetch(home.file(), from_dir=tmp_path, accept=["t.csv"])
    assert home.record()["sha256"] == sha(NEWER)


def test_a_file_without_an_address_waits_for_a_hand(home, tmp_path):
    entry = RemoteFile("private.csv", by_hand=True)
    with pytest.raises(InputError, match=r"private\.csv has no public address"):
        home.fetch(home.file(), entry)
    assert (home.folder / "t.csv").is_file()
    (tmp_path / "private.csv").write_bytes(TABLE)
    home.fetch(home.file(), entry, from_dir=tmp_path)
    assert (home.folder / "private.csv").is_file()


@pytest.mark.parametrize("name", ["a.zip", "a.xlsx", "a.gz", "a.tar"])
def test_a_file_must_be_what_its_name_says(home, web, name):
    web.pages[f"/{name}"] = Page(TABLE)
    with pytest.raises(InputError, match="it sent"):
        home.fetch(home.file(f"/{name}"))


def test_members_are_unpacked_once(home, web):
    web.pages["/a.zip"] = Page(zipped(one=TABLE, two=NEWER))
    entry = home.file("/a.zip", unpack=(Member("one.csv", "uno.csv"),))
    assert [p.name for p in home.fetch(entry)] == ["a.zip", "uno.csv"]
    assert (home.folder / "uno.csv").read_bytes() == TABLE
    before = os.stat(home.folder / "uno.csv").st_mtime_ns
    home.fetch(entry)
    assert os.stat(home.folder / "uno.csv").st_mtime_ns == before
    (home.folder / "uno.csv").unlink()
    home.fetch(entry)
    assert (home.folder / "uno.csv").read_bytes() == TABLE


def test_an_unpacked_file_that_was_changed_is_refused(home, web):
    web.pages["/a.zip"] = Page(zipped(one=TABLE))
    entry = home.file("/a.zip", unpack=(Member("one.csv", "uno.csv"),))
    home.fetch(entry)
    (home.folder / "uno.csv").write_bytes(NEWER)
    with pytest.raises(InputError, match=r"uno\.csv was changed since"):
        home.fetch(entry)


def test_a_file_of_the_same_name_is_not_written_over(home, web):
    web.pages["/a.zip"] = Page(zipped(one=TABLE))
    home.folder.mkdir()
    (home.folder / "uno.csv").write_bytes(NEWER)
    with pytest.raises(InputError, match=r"uno\.csv is there already and differs"):
        home.fetch(home.file("/a.zip", unpack=(Member("one.csv", "uno.csv"),)))
    assert (home.folder / "uno.csv").read_bytes() == NEWER


def test_a_newer_archive_replaces_what_the_older_gave(home, web):
    entry = home.file("/a.zip", unpack=(Member("one.csv", "uno.csv"),))
    for number, content in enumerate((TABLE, NEWER)):
        web.pages["/a.zip"] = Page(zipped(one=content))
        home.fetch(entry, accept=["a.zip"] if number else [])
        assert (home.folder / "uno.csv").read_bytes() == content
        (home.folder / "a.zip").unlink()


def test_the_step_after_a_download_runs_once(home):
    calls = []

    def convert(file, folder, say):
        calls.append(file.name)
        (folder / "made.csv").write_bytes(file.read_bytes().upper())
        return [folder / "made.csv"]

    entry = home.file(after="step")
    for _ in range(2):
        assert [p.name for p in home.fetch(entry, after={"step": convert})] == ["t.csv", "made.csv"]
    assert (home.folder / "made.csv").read_bytes() == TABLE.upper()
    assert calls == ["t.csv"]
    (home.folder / "made.csv").unlink()
    home.fetch(entry, after={"step": convert})
    assert len(calls) == 2


def test_a_step_that_fails_leaves_the_download_and_nothing_of_its_own(home):
    def convert(file, folder, say):
        (folder / "half.csv").write_bytes(b"half")
        raise InputError("the wheel holds something else")

    with pytest.raises(InputError, match="something else"):
        home.fetch(home.file(after="step"), after={"step": convert})
    assert home.names() == [".fetch", "fetched.json", "t.csv"]
    assert [p.name for p in (home.folder / ".fetch").iterdir()] == ["lock"]


def test_a_full_disk_is_noticed_before_anything_is_asked(home, web, monkeypatch):
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10**6}))
    with pytest.raises(InputError, match=r"the set mine needs 5\.0 GB .* 1\.0 MB free"):
        home.fetch(home.file(about=5 * 10**9))
    assert not web.asked


def test_two_fetches_into_one_folder_do_not_meet(home):
    home.fetch(home.file())
    with held(home.folder / ".fetch"), pytest.raises(InputError, match="another process"):
        home.fetch(home.file())


DAMAGED = [
    *("", "[]", "{}", "\x00", "[" * 9999, '{"files": 3}'),
    *('{"files": {"t.csv": {}}}', '{"files": {"t.csv": {"sha256": 7}}}'),
    json.dumps({"files": {"t.csv": {"sha256": sha(TABLE), "made": ["../x"]}}}),
]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_records_are_refused(home, web, text):
    home.folder.mkdir()
    (home.folder / "fetched.json").write_text(text)
    with pytest.raises(InputError, match=r"fetched\.json"):
        home.fetch(home.file())
    assert not web.asked


@pytest.mark.parametrize("what", ["folder", "dangling link"])
def test_something_else_under_the_files_name_is_refused(home, what):
    home.folder.mkdir()
    (home.folder / "t.csv").mkdir() if what == "folder" else (home.folder / "t.csv").symlink_to("nowhere")
    with pytest.raises(InputError, match="is not a file"):
        home.fetch(home.file())

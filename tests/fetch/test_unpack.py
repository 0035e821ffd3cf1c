"""Archives that want out of their folder, pretend, or swell."""

import gzip
import io
import stat
import tarfile
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tl_jax.errors import InputError
from tl_jax.fetch import unpack as room
from tl_jax.fetch.manifest import Member
from tl_jax.fetch.unpack import unpack

TABLE = b"gene\tvalue\nMGMT\t1.5\n"
HEADS = [b"", b"PK\x03\x04", b"\x1f\x8b", gzip.compress(b"x" * 600)]
WANTED = (Member("table.txt", "out.txt"),)


def zipped(path, *members):
    """members: (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def tarred(path, *members, mode="w"):
    """members: (name, content) or (name, type, link)."""
    with tarfile.open(path, mode) as archive:
        for name, *rest in members:
            info = tarfile.TarInfo(name)
            if len(rest) == 2:
                info.type, info.linkname = rest
                archive.addfile(info)
            else:
                info.size = len(rest[0])
                archive.addfile(info, io.BytesIO(rest[0]))
    return path


PACK = {
    "zip": lambda path, *members: zipped(path, *members),
    "tar": lambda path, *members: tarred(path, *members),
    "tar.gz": lambda path, *members: tarred(path, *members, mode="w:gz"),
}


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def refused(archive, out, match, members=WANTED):
    with pytest.raises(InputError, match=match):
        unpack(archive, members, out)
    assert not {p.name for p in out.parent.iterdir()} - {"out", archive.name}, "something was written elsewhere"


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("name", ["table.txt", "data/deep/table.txt", "./table.txt"])
def test_the_named_member_alone_is_taken(tmp_path, out, kind, name):
    archive = PACK[kind](tmp_path / f"a.{kind}", (name, TABLE), ("data/other.txt", b"x"), ("__MACOSX/table.txt", b"y"))
    assert unpack(archive, WANTED, out) == {"out.txt": out / "out.txt"}
    assert (out / "out.txt").read_bytes() == TABLE
    assert [p.name for p in out.iterdir()] == ["out.txt"]


@pytest.mark.parametrize("kind", PACK)
def test_a_whole_path_picks_one_of_two(tmp_path, out, kind):
    archive = PACK[kind](tmp_path / f"a.{kind}", ("a/table.txt", b"wrong"), ("b/table.txt", TABLE))
    unpack(archive, (Member("b/table.txt", "out.txt"),), out)
    assert (out / "out.txt").read_bytes() == TABLE
    refused(archive, out, "more than once")


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("name", ["../table.txt", "/table.txt", "a/../../table.txt", "..\\table.txt", "C:\\table.txt"])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_path_that_leads_out_is_refused_wanted_or_not(tmp_path, out, kind, name, wanted):
    evil = name if wanted else name.replace("table", "other")
    refused(PACK[kind](tmp_path / f"a.{kind}", ("ok.txt", b"x"), (evil, TABLE)), out, "leads out")


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
@pytest.mark.parametrize("what", ["SYMTYPE", "LNKTYPE", "CHRTYPE", "BLKTYPE", "FIFOTYPE", "GNUTYPE_SPARSE"])
def test_links_devices_and_holes_are_refused(tmp_path, out, kind, what):
    archive = PACK[kind](tmp_path / f"a.{kind}", ("table.txt", getattr(tarfile, what), "/etc/passwd"))
    refused(archive, out, "plain file|damaged")
    assert not list(out.iterdir())


def test_a_link_beside_the_named_member_is_not_followed(tmp_path, out):
    """pooch's Untar takes every name that begins so, and on Python 3.11 writes through the link."""
    (tmp_path / "secret").mkdir()
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("table.txt.d")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
        archive.addfile(link)
        for name in ("table.txt.d/owned", "table.txt"):
            info = tarfile.TarInfo(name)
            info.size = len(TABLE)
            archive.addfile(info, io.BytesIO(TABLE))
    assert unpack(path, WANTED, out) == {"out.txt": out / "out.txt"}
    assert [p.name for p in out.iterdir()] == ["out.txt"]
    assert not list((tmp_path / "secret").iterdir())


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_in_a_zip_are_refused(tmp_path, out, mode):
    info = zipfile.ZipInfo("table.txt")
    info.external_attr = (mode | 0o777) << 16
    refused(zipped(tmp_path / "a.zip", (info, "/etc/passwd")), out, "link or a device")


@pytest.mark.parametrize("kind", PACK)
def test_a_bomb_is_refused(tmp_path, out, kind, monkeypatch):
    monkeypatch.setattr(room, "ALWAYS", 10**6)
    monkeypatch.setattr(room, "AT_MOST", 5 * 10**6)
    archive = PACK[kind](tmp_path / f"a.{kind}", ("table.txt", bytes(8 * 10**6)))
    refused(archive, out, "more than")


def test_a_bomb_beside_the_named_member_is_not_opened_in_a_zip_and_stops_a_tar(tmp_path, out, monkeypatch):
    monkeypatch.setattr(room, "ALWAYS", 10**6)
    members = (("bomb", bytes(8 * 10**6)), ("table.txt", TABLE))
    assert unpack(zipped(tmp_path / "a.zip", *members), WANTED, out)
    with pytest.raises(InputError, match="the whole archive"):
        unpack(tarred(tmp_path / "b.tar.gz", *members, mode="w:gz"), WANTED, out)


def test_a_zip_that_understates_a_size_gives_no_more_than_it_says(tmp_path, out):
    archive = zipped(tmp_path / "a.zip", ("table.txt", bytes(50_000)))
    raw = archive.read_bytes().replace((50_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(raw)
    refused(archive, out, "damaged")


@pytest.mark.parametrize("kind", PACK)
def test_a_missing_member_is_named_unless_optional(tmp_path, out, kind):
    archive = PACK[kind](tmp_path / f"a.{kind}", ("other.txt", TABLE))
    refused(archive, out, "does not hold table.txt")
    assert unpack(archive, (Member("table.txt", "out.txt", True),), out) == {}


def test_a_folder_of_the_name_is_no_member(tmp_path, out):
    refused(zipped(tmp_path / "a.zip", ("table.txt/", b"")), out, "does not hold")
    (tmp_path / "a.zip").unlink()
    refused(tarred(tmp_path / "a.tar", ("table.txt", tarfile.DIRTYPE, "")), out, "does not hold")


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_cut_archive_is_refused(tmp_path, out, kind, keep):
    archive = PACK[kind](tmp_path / f"a.{kind}", ("table.txt", b"".join(b"%d\t" % i for i in range(20_000))))
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(InputError):
        unpack(archive, WANTED, out)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(PACK)), data=st.data())
def test_flipped_bytes_give_the_member_or_one_line(tmp_path, kind, data):
    archive = PACK[kind](tmp_path / f"f.{kind}", ("table.txt", TABLE * 20), ("other", b"1" * 900))
    raw = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(bytes(raw))
    folder = tmp_path / "flipped"
    folder.mkdir(exist_ok=True)
    with suppress(InputError):
        unpack(archive, WANTED, folder)
        # A plain .tar has no checksum of what its members hold.
        assert kind == "tar" or (folder / "out.txt").read_bytes() == TABLE * 20


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=2000), head=st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b", gzip.compress(b"x" * 600)])
)
def test_any_bytes_give_one_line(tmp_path, data, head):
    (tmp_path / "r.zip").write_bytes(head + data)
    with pytest.raises(InputError):
        unpack(tmp_path / "r.zip", WANTED, tmp_path)


def test_a_member_without_a_name(tmp_path, out):
    path = zipped(tmp_path / "a.zip", ("Qq", b"x"), ("table.txt", TABLE))
    path.write_bytes(path.read_bytes().replace(b"Qq", b"\0q"))  # zipfile cuts names at a zero byte
    with suppress(InputError):
        assert unpack(path, WANTED, out)["out.txt"].read_bytes() == TABLE

"""Downloads that break off, servers that misbehave, versions that change on the way."""

import json
import random
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from serving import Page, server

pytest.importorskip("requests", reason="downloads need pip install tl_jax[fetch]")
from tl_jax.fetch import resume
from tl_jax.fetch.resume import MB, AddressFailed, Patience, Resuming, followed

CONTENT = random.Random(0).randbytes(3 * MB + 17)
OTHER = random.Random(1).randbytes(len(CONTENT))
HASTE = Patience(tries=3, pause=0.0, connect=2, read=0.5, slow=1000, window=0.3)


@pytest.fixture
def web():
    with server() as running:
        yield running


@pytest.fixture
def get(web, tmp_path):
    """get(page, **options) -> the bytes that arrived."""

    def run(page=None, path="/f.bin", **options):
        if page is not None:
            web.pages[path] = page
        web.said = []
        options = {"patience": HASTE, "say": web.said.append, **options}
        Resuming(tmp_path / "f.bin.part", **options)(web.at(path), str(tmp_path / "f.bin"))
        return (tmp_path / "f.bin").read_bytes()

    run.part, run.notes = tmp_path / "f.bin.part", tmp_path / "f.bin.part.json"
    run.folder = tmp_path
    return run


def left_over(get, content, **notes):
    """A part as an earlier fetch leaves it."""
    get.part.write_bytes(content)
    get.notes.write_text(json.dumps(notes))


def asked_ranges(web):
    return [headers.get("Range") for _, headers in web.asked]


def test_whole(get):
    assert get(Page(CONTENT)) == CONTENT
    assert sorted(p.name for p in get.folder.iterdir()) == ["f.bin"]


@pytest.mark.parametrize("guard", [{"etag": '"v1"'}, {"etag": "", "modified": "Mon, 01 Jan 2024 00:00:00 GMT"}])
def test_a_cut_download_goes_on_where_it_stopped(get, web, guard):
    assert get(Page(CONTENT, cuts=[1000, 2 * MB, None], **guard)) == CONTENT
    assert asked_ranges(web) == [None, "bytes=1000-", f"bytes={2 * MB}-"]


def test_the_next_run_goes_on_too(get, web):
    with pytest.raises(AddressFailed, match="3 times in a row"):
        get(Page(CONTENT, cuts=[MB]))
    assert get.part.read_bytes() == CONTENT[:MB]
    assert not (get.folder / "f.bin").exists()
    assert get(Page(CONTENT)) == CONTENT
    assert asked_ranges(web)[-1] == f"bytes={MB}-"


def test_a_server_without_ranges_sends_all_again(get, web):
    assert get(Page(CONTENT, cuts=[2 * MB, None], ranges=False)) == CONTENT
    assert asked_ranges(web) == [None, f"bytes={2 * MB}-"]


def test_two_versions_are_never_joined(get, web):
    left_over(get, CONTENT[:MB], address=web.at("/f.bin"), ETag='"v1"')
    assert get(Page(OTHER, etag='"v2"')) == OTHER


@pytest.mark.parametrize(
    "lie",
    [{"ETag": '"v2"'}, {"ETag": ""}, {"Content-Range": "bytes 5-9/10"}, {"Content-Range": ""}],
    ids=["other version", "no version", "other span", "no span"],
)
def test_a_rest_that_may_not_fit_is_not_taken(get, web, lie):
    """A server that answers the wrong range, or ignores If-Range."""
    left_over(get, OTHER[:MB], address=web.at("/f.bin"), ETag='"v1"')
    assert get(Page(CONTENT, lie=lie)) == CONTENT


def test_killed_before_the_new_version_is_noted_nothing_of_the_old_one_is_left(get, web, monkeypatch):
    left_over(get, OTHER[:MB], address=web.at("/f.bin"), ETag='"v1"')

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(resume, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        get(Page(CONTENT, etag='"v2"'))
    assert get.part.stat().st_size == 0


VERSIONS = [bytes([65 + number]) * (4000 + 100 * (number > 1)) for number in range(4)]
ANSWER = st.fixed_dictionaries(
    {
        "number": st.integers(0, 3),
        "named": st.sampled_from(["etag", "modified", "weak", "nothing"]),
        "ranges": st.booleans(),
        "careless": st.booleans(),
        "cut": st.sampled_from([None, None, 1, 1500, 3999]),
        "status": st.sampled_from([200, 200, 200, 503, 416]),
        "length": st.booleans(),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(runs=st.lists(st.lists(ANSWER, min_size=1, max_size=4), min_size=1, max_size=3))
def test_whatever_a_server_does_what_arrives_is_one_version(web, tmp_path, runs):
    """Versions replaced between and within runs, with and without names, ranges, lengths and cuts."""
    out, part = tmp_path / "f.bin", tmp_path / "f.bin.part"
    resume.Resuming(part).forget()
    for answers in runs:
        web.pages["/f.bin"] = [page_of(**answer) for answer in answers]
        with suppress(AddressFailed):
            Resuming(part, patience=HASTE, say=str)(web.at("/f.bin"), str(out))
            assert out.read_bytes() in VERSIONS


def page_of(number, named, cut, status, **more):
    names = {
        "etag": {"etag": f'"v{number}"'},
        "modified": {"etag": "", "modified": f"Mon, 0{number + 1} Jan 2024 00:00:00 GMT"},
        "weak": {"etag": 'W/"same"'},
        "nothing": {"etag": ""},
    }
    return Page(VERSIONS[number], cuts=[cut], statuses=[status], **names[named], **more)


@pytest.mark.parametrize("notes", [{}, {"ETag": '"v1"'}, {"address": "http://elsewhere/f.bin", "ETag": '"v1"'}])
def test_a_part_of_unknown_origin_is_not_used(get, web, notes):
    left_over(get, OTHER[:MB], **notes)
    assert get(Page(CONTENT)) == CONTENT
    assert asked_ranges(web) == [None]


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"address": 3, "ETag": []}', "\xff"])
def test_damaged_notes_are_not_used(get, web, text):
    get.part.write_bytes(OTHER[:MB])
    get.notes.write_text(text, encoding="latin-1")
    assert get(Page(CONTENT)) == CONTENT


def test_a_weak_tag_identifies_nothing(get, web):
    assert get(Page(CONTENT, etag='W/"v1"', cuts=[MB, None])) == CONTENT
    assert asked_ranges(web) == [None, None]


def test_a_part_longer_than_the_file_begins_anew(get, web):
    left_over(get, OTHER + b"more", address=web.at("/f.bin"), ETag='"v1"')
    page = Page(CONTENT, statuses=[416, 200])
    assert get(page) == CONTENT


def test_a_server_that_always_cuts_at_the_same_place_comes_to_an_end(get, web):
    with pytest.raises(AddressFailed, match="times in a row"):
        get(Page(CONTENT, cuts=[2 * MB], ranges=False))
    assert len(web.asked) == 4  # the first gained ground, three did not


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_server_is_asked_again(get, web, status):
    assert get(Page(CONTENT, statuses=[status, status, 200])) == CONTENT
    assert len(web.asked) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(get, web, status):
    with pytest.raises(AddressFailed, match=str(status)):
        get(Page(CONTENT, statuses=[status]))
    assert len(web.asked) == 1


def test_a_silent_server_is_left(get, web):
    with pytest.raises(AddressFailed, match="ReadTimeout"):
        get(Page(CONTENT, wait=0.8), patience=Patience(tries=1, pause=0, connect=1, read=0.2))


def test_a_server_that_drips_is_left(get, web):
    """Each byte comes in time, the file never would."""
    with pytest.raises(AddressFailed, match=r"bytes in 0 s"):
        get(Page(CONTENT, drip=0.02), patience=Patience(tries=1, pause=0, connect=1, read=5, slow=1000, window=0.2))


def test_no_one_there(get, web):
    web.pages["/f.bin"] = Page(CONTENT)
    with pytest.raises(AddressFailed, match="no answer"):
        Resuming(get.part, patience=HASTE, say=print)("http://127.0.0.1:1/f.bin", str(get.folder / "f.bin"))


def test_a_length_that_is_not_the_known_one_is_refused_before_it_is_loaded(get, web):
    with pytest.raises(AddressFailed, match="instead of 5"):
        get(Page(CONTENT), size=5)
    assert not get.part.exists()


def test_without_a_length_a_cut_could_not_be_noticed(get, web):
    with pytest.raises(AddressFailed, match="how long"):
        get(Page(CONTENT, length=False))


def test_without_a_length_the_known_size_is_enforced(get, web):
    assert get(Page(CONTENT, length=False), size=len(CONTENT)) == CONTENT
    (get.folder / "f.bin").unlink()
    with pytest.raises(AddressFailed, match="more than"):
        get(Page(CONTENT + b"x", length=False, etag='"v2"'), size=len(CONTENT))
    with pytest.raises(AddressFailed, match="connection ended"):
        get(Page(CONTENT, length=False, cuts=[MB]), size=len(CONTENT))


def test_in_chunks_a_cut_is_noticed_without_a_length(get, web):
    assert get(Page(CONTENT, chunked=True)) == CONTENT
    assert get(Page(CONTENT, chunked=True, cuts=[2 * MB, None], etag='"v2"')) == CONTENT
    assert asked_ranges(web) == [None, None, f"bytes={2 * MB}-"]
    with pytest.raises(AddressFailed, match="broke"):
        get(Page(CONTENT, chunked=True, cuts=[MB], ranges=False))


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>moved", b"\xef\xbb\xbf \n<html>", b"<?xml?><Error>", b""])
def test_a_web_page_in_place_of_the_file_is_refused(get, web, page):
    with pytest.raises(AddressFailed, match="it sent"):
        get(Page(page))
    assert not list(get.folder.iterdir())


def test_a_body_packed_on_the_way_is_refused(get, web):
    with pytest.raises(AddressFailed, match="packs"):
        get(Page(CONTENT, headers={"Content-Encoding": "gzip"}))


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/f", "//", "http://[", "javascript:x", "/f.bin"]
)
def test_redirects_that_lead_astray_are_refused(get, web, target):
    with pytest.raises(AddressFailed):
        get(Page(CONTENT, statuses=[302], headers={"Location": target}))
    assert not list(get.folder.iterdir())


def test_a_redirects_body_is_not_read(get, web):
    web.pages["/old"] = Page(statuses=[301], headers={"Location": "/f.bin"}, stall=0)
    web.pages["/f.bin"] = Page(CONTENT)
    assert get(path="/old") == CONTENT


def test_a_redirect_from_https_to_http_is_refused():
    with pytest.raises(AddressFailed, match="not encrypted"):
        followed("https://x.org/a", "http://x.org/a")
    assert followed("https://x.org/a/b", "../c?d=e f") == "https://x.org/c?d=e%20f"


@pytest.mark.parametrize("length", ["99999999999999999999", "-5", "many", "9" * 5000])
def test_a_length_that_cannot_be_is_refused(get, web, length):
    with pytest.raises(AddressFailed, match=r"offers|how long|no answer|broke"):
        get(Page(CONTENT, length=False, headers={"Content-Length": length}))
    assert not (get.folder / "f.bin").exists()


def test_a_span_of_absurd_numbers_is_not_taken(get, web):
    left_over(get, OTHER[:MB], address=web.at("/f.bin"), ETag='"v1"')
    assert get(Page(CONTENT, lie={"Content-Range": f"bytes {'9' * 5000}-{'9' * 5001}/{'9' * 5002}"})) == CONTENT


def test_a_page_by_its_type_is_refused(get, web):
    with pytest.raises(AddressFailed, match="web page"):
        get(Page(CONTENT, headers={"Content-Type": "text/html; charset=utf-8"}))


def test_a_redirect_to_a_file_is_followed(get, web):
    web.pages["/old"] = Page(statuses=[301], headers={"Location": web.at("/f.bin")})
    web.pages["/f.bin"] = Page(CONTENT)
    assert get(path="/old") == CONTENT

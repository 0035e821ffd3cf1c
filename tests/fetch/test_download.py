"""Downloads that break off, servers that misbehave, versions that change on the way."""

import gzip
import hashlib
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
import requests
from requests.exceptions import SSLError

from tl_jax.fetch.checks import Failed, WrongHash
from tl_jax.fetch.download import MB, Body, Patience, download

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
        download(web.at(path), run.into, **options)
        return run.into.read_bytes()

    run.folder, run.into = tmp_path, tmp_path / "f.bin"
    return run


def test_whole(get):
    assert get(Page(CONTENT)) == CONTENT
    assert sorted(p.name for p in get.folder.iterdir()) == ["f.bin"]


@pytest.mark.parametrize("chunked", [True, False])
def test_a_cut_download_begins_anew(get, web, chunked):
    assert get(Page(CONTENT, cuts=[1000, 2 * MB, None], chunked=chunked)) == CONTENT
    assert len(web.asked) == 3
    assert not any("Range" in headers for _, headers in web.asked)
    assert len(web.said) == 2
    assert sorted(p.name for p in get.folder.iterdir()) == ["f.bin"]


def test_a_file_may_be_read_by_those_who_may_read_the_folder(get):
    """pooch's temporary files are for their user alone."""
    get(Page(CONTENT))
    (get.folder / "plain").write_bytes(b"x")
    assert get.into.stat().st_mode == (get.folder / "plain").stat().st_mode


def test_the_known_hash_is_enforced_and_nothing_is_left(get, web):
    assert get(Page(CONTENT), known=hashlib.sha256(CONTENT).hexdigest()) == CONTENT
    get.into.unlink()
    with pytest.raises(WrongHash, match="it sent another file"):
        get(Page(OTHER), known=hashlib.sha256(CONTENT).hexdigest())
    assert len(web.asked) == 2, "another file is not asked for again"
    assert not list(get.folder.iterdir())


VERSIONS = [bytes([65 + number]) * (4000 + 100 * (number > 1)) for number in range(4)]
ANSWER = st.fixed_dictionaries(
    {
        "number": st.integers(0, 3),
        "cut": st.sampled_from([None, None, 1, 1500, 3999]),
        "status": st.sampled_from([200, 200, 200, 503, 416, 206]),
        "length": st.booleans(),
        "chunked": st.booleans(),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(runs=st.lists(st.lists(ANSWER, min_size=1, max_size=4), min_size=1, max_size=3))
def test_whatever_a_server_does_what_arrives_is_one_whole_version_or_nothing(web, tmp_path, runs):
    """Versions replaced between and within runs, with and without lengths, chunks and cuts."""
    into = tmp_path / "f.bin"
    for answers in runs:
        into.unlink(missing_ok=True)
        web.pages["/f.bin"] = [page_of(**answer) for answer in answers]
        with suppress(Failed):
            download(web.at("/f.bin"), into, patience=HASTE, say=str)
            assert into.read_bytes() in VERSIONS
            continue
        assert not list(tmp_path.iterdir())


def page_of(number, cut, status, **more):
    return Page(VERSIONS[number], cuts=[cut], statuses=[status], **more)


def test_a_server_that_always_cuts_at_the_same_place_comes_to_an_end(get, web):
    with pytest.raises(Failed, match="times in a row"):
        get(Page(CONTENT, cuts=[2 * MB]))
    assert len(web.asked) == HASTE.tries
    assert not list(get.folder.iterdir())


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_server_is_asked_again(get, web, status):
    assert get(Page(CONTENT, statuses=[status, status, 200])) == CONTENT
    assert len(web.asked) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(get, web, status):
    with pytest.raises(Failed, match=str(status)):
        get(Page(CONTENT, statuses=[status]))
    assert len(web.asked) == 1


def test_a_silent_server_is_left(get, web):
    with pytest.raises(Failed, match="ReadTimeout"):
        get(Page(CONTENT, wait=0.8), patience=Patience(tries=1, pause=0, connect=1, read=0.2))


def test_a_server_that_drips_is_left(get, web):
    """Each byte comes in time, the file never would."""
    with pytest.raises(Failed, match=r"bytes in 0 s"):
        get(Page(CONTENT, drip=0.02), patience=Patience(tries=1, pause=0, connect=1, read=5, slow=1000, window=0.2))


def test_no_one_there(get, web):
    web.pages["/f.bin"] = Page(CONTENT)
    with pytest.raises(Failed, match="no answer"):
        download("http://127.0.0.1:1/f.bin", get.into, patience=HASTE)


def test_a_length_that_is_not_the_known_one_is_refused_before_it_is_loaded(get, web):
    with pytest.raises(Failed, match="instead of 5"):
        get(Page(CONTENT), size=5)
    assert not list(get.folder.iterdir())


def test_without_a_length_a_cut_could_not_be_noticed(get, web):
    with pytest.raises(Failed, match="how long"):
        get(Page(CONTENT, length=False))


def test_without_a_length_the_known_size_is_enforced(get, web):
    assert get(Page(CONTENT, length=False), size=len(CONTENT)) == CONTENT
    (get.folder / "f.bin").unlink()
    with pytest.raises(Failed, match="more than"):
        get(Page(CONTENT + b"x", length=False), size=len(CONTENT))
    with pytest.raises(Failed, match="connection ended"):
        get(Page(CONTENT, length=False, cuts=[MB]), size=len(CONTENT))


def test_in_chunks_a_cut_is_noticed_without_a_length(get, web):
    assert get(Page(CONTENT, chunked=True)) == CONTENT
    get.into.unlink()
    with pytest.raises(Failed, match="broke"):
        get(Page(CONTENT, chunked=True, cuts=[MB]))
    assert not list(get.folder.iterdir())


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>moved", b"\xef\xbb\xbf \n<html>", b"<?xml?><Error>", b""])
def test_a_web_page_in_place_of_the_file_is_refused(get, web, page):
    with pytest.raises(Failed, match="it sent"):
        get(Page(page))
    assert not list(get.folder.iterdir())


def test_a_body_packed_on_the_way_is_refused(get, web):
    with pytest.raises(Failed, match="packs"):
        get(Page(CONTENT, headers={"Content-Encoding": "gzip"}))


def test_a_gz_whose_server_calls_its_own_packing_so_stays_packed(web, tmp_path):
    packed = gzip.compress(CONTENT)
    web.pages["/f.gz"] = Page(packed, headers={"Content-Encoding": "gzip"})
    download(web.at("/f.gz"), tmp_path / "f.gz", patience=HASTE)
    assert (tmp_path / "f.gz").read_bytes() == packed


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/f", "//", "http://[", "javascript:x", "/f.bin"]
)
def test_redirects_that_lead_astray_are_refused(get, web, target):
    with pytest.raises(Failed):
        get(Page(CONTENT, statuses=[302], headers={"Location": target}))
    assert not list(get.folder.iterdir())


def test_a_redirects_body_is_not_read(get, web):
    web.pages["/old"] = Page(statuses=[301], headers={"Location": "/f.bin"}, stall=0)
    web.pages["/f.bin"] = Page(CONTENT)
    assert get(path="/old") == CONTENT


def test_a_redirect_from_https_to_http_is_refused():
    body, response = Body("f.bin", 0, True, HASTE), requests.Response()
    body.url, response.url, response.status_code = "https://x.org/a", "http://x.org/a", 200
    assert "not encrypted" in body.fault(response, 5)
    body.url = "http://x.org/a"  # the address itself, which the manifest may give
    assert body.fault(response, 5) == ""


@pytest.mark.parametrize(
    ("error", "again", "words"),
    [
        (SSLError("certificate verify failed: self-signed"), False, "its certificate is not valid"),
        (SSLError("UNEXPECTED_EOF_WHILE_READING"), True, r"no answer \(SSLError\)"),
        (requests.TooManyRedirects("Exceeded 30 redirects."), False, "TooManyRedirects"),
    ],
)
def test_what_may_pass_is_tried_again_and_what_cannot_is_not(get, web, monkeypatch, error, again, words):
    asked = []

    def ask(*_, **__):
        asked.append(1)
        raise error

    monkeypatch.setattr(requests, "get", ask)
    with pytest.raises(Failed, match=words):
        get(Page(CONTENT))
    assert len(asked) == (HASTE.tries if again else 1)


@pytest.mark.parametrize("length", ["99999999999999999999", "-5", "many", "9" * 5000])
def test_a_length_that_cannot_be_is_refused(get, web, length):
    with pytest.raises(Failed, match=r"offers|how long|no answer|broke"):
        get(Page(CONTENT, length=False, headers={"Content-Length": length}))
    assert not (get.folder / "f.bin").exists()


def test_a_page_by_its_type_is_refused(get, web):
    with pytest.raises(Failed, match="web page"):
        get(Page(CONTENT, headers={"Content-Type": "text/html; charset=utf-8"}))


def test_a_redirect_to_a_file_is_followed(get, web):
    web.pages["/old"] = Page(statuses=[301], headers={"Location": web.at("/f.bin")})
    web.pages["/f.bin"] = Page(CONTENT)
    assert get(path="/old") == CONTENT

"""A downloader for pooch that goes on where a cut download stopped, and never joins two versions of a file."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3

from tl_jax.fetch.checks import WrongContent, check_content, check_space
from tl_jax.fetch.manifest import check_address
from tl_jax.system.files import write_json
from tl_jax.system.progress import Progress

MB = 2**20
AT_MOST = 50 * 10**9  # bytes of a file whose length nobody says
REDIRECTS = 10
AGAIN = (408, 425, 429, 500, 502, 503, 504)
BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError, ConnectionError)
GUARDS = ("ETag", "Last-Modified")


class AddressFailed(Exception):
    """An address gave no file; the message says what was seen there."""


class Interrupted(Exception):
    """A transfer broke off, or the server asks for patience; trying again may help."""


@dataclass(frozen=True)
class Patience:
    """How long an address is tried; seconds, except tries (without progress in between) and slow (bytes per window)."""

    tries: int = 4
    pause: float = 2.0
    connect: float = 15.0
    read: float = 60.0
    slow: int = 4096
    window: float = 60.0


class Resuming:
    """Called by pooch as downloader(url, output_file, pooch): the body of `url` ends up at `output_file`.

    part: where bytes are kept until the file is whole, with what identifies its version in `part`.json.
    size: bytes, where known. Raises AddressFailed with what was seen; the part stays for the next time.
    """

    def __init__(
        self,
        part: Path,
        size: int = 0,
        verified: bool = False,
        patience: Patience | None = None,
        say: Callable[[str], None] = print,
    ):
        self.part, self.size, self.verified = Path(part), size, verified
        self.patience, self.say = patience or Patience(), say
        self.notes = self.part.with_name(f"{self.part.name}.json")

    def __call__(self, url: str, output_file: str, pooch=None) -> None:
        left, furthest = self.patience.tries, self.length()
        with Plain() as session:
            while True:
                try:
                    self.transfer(session, url)
                    break
                except Interrupted as error:
                    # Only new ground counts as progress: a server that always cuts at one place comes to an end.
                    left = self.patience.tries if self.length() > furthest + MB else left - 1
                    furthest = max(furthest, self.length())
                    if left <= 0:
                        raise AddressFailed(f"{error}, {self.patience.tries} times in a row") from error
                    wait = self.patience.pause * 2 ** (self.patience.tries - left - 1)
                    self.say(f"{self.part.stem}: {error}; trying again in {wait:.0f} s")
                    time.sleep(wait)
        try:
            check_content(self.part, self.part.stem, self.size)
        except WrongContent as error:
            self.forget()
            raise AddressFailed(f"it sent {error}") from error
        os.replace(self.part, output_file)
        self.forget()

    def length(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def forget(self) -> None:
        for path in (self.part, self.notes):
            path.unlink(missing_ok=True)

    def transfer(self, session: requests.Session, url: str) -> None:
        """One request: the rest of the part where its version is still served, the whole file otherwise."""
        guard = self.guard(url)
        have = self.length() if guard else 0
        headers = {"Accept-Encoding": "identity", "User-Agent": "tl_jax fetch"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": guard[1]}
        with ask(session, url, headers, self.patience) as response:
            if have and not continues(response, have, guard):
                if response.status_code in (206, 416):
                    self.forget()
                    raise Interrupted("the kept part does not fit what is there now; beginning anew")
                have = 0
            elif not have and response.status_code == 206:
                raise AddressFailed("it sent a part of the file although the whole was asked for")
            self.receive(response, url, have)

    def guard(self, url: str) -> tuple[str, str] | None:
        """The header and value that identify the kept part's version at `url`; None where it cannot be continued."""
        try:
            notes = json.loads(self.notes.read_text(encoding="utf-8"))
            if notes["address"] != url or not self.length():
                return None
            return next((name, notes[name]) for name in GUARDS if isinstance(notes.get(name), str) and notes[name])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
            return None

    def receive(self, response: requests.Response, url: str, have: int) -> None:
        """Write the body behind the `have` bytes that are kept."""
        check_kind(response, self.part.stem)
        total = announced(response, have)
        if self.size and total is not None and total != self.size:
            raise AddressFailed(f"it offers {total:,} bytes instead of {self.size:,}: another version, or not the file")
        chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
        if total is None and not (self.size or self.verified or chunked):
            raise AddressFailed("it does not say how long the file is, so a cut could not be noticed")
        limit = total if total is not None else self.size or AT_MOST
        check_space(self.part.parent, max(0, (limit if limit < AT_MOST else 0) - have), self.part.stem)
        with (
            open(self.part, "ab" if have else "wb") as file,
            Progress(limit // MB if limit < AT_MOST else 0, self.part.stem, "MB") as shown,
        ):
            if not have:  # only now: a version must never be noted beside bytes of an earlier one
                write_json(self.notes, {"address": url, **version(response)})
            got = self.copy(response, file, have, limit, shown)
        expected = total if total is not None else self.size
        if expected and got < expected:
            raise Interrupted(f"the connection ended after {got:,} of {expected:,} bytes")

    def copy(self, response: requests.Response, file, have: int, limit: int, shown: Progress) -> int:
        """Body to file; the length of the file. Interrupted where it breaks off or creeps."""
        got, began, mark = have, time.monotonic(), have
        shown.advance(have // MB)
        while True:
            try:
                # One read of the socket at a time: a larger read would wait for ever on a server that drips.
                block = response.raw.read1(MB, decode_content=False)
            except BROKEN as error:
                raise Interrupted(f"the connection broke after {got:,} bytes ({type(error).__name__})") from error
            if not block:
                return got
            got += len(block)
            if got > limit:
                self.forget()
                raise AddressFailed(f"it sent more than the {limit:,} bytes it should")
            file.write(block)
            if more := got // MB - (got - len(block)) // MB:
                shown.advance(more)
                check_space(self.part.parent, 0, self.part.stem)
            if time.monotonic() - began > self.patience.window:
                if got - mark < self.patience.slow:
                    raise Interrupted(f"the server sent {got - mark:,} bytes in {self.patience.window:.0f} s")
                began, mark = time.monotonic(), got


class Plain(requests.Session):
    """A session that follows no redirect by itself: it would read a redirect's whole body, however long."""

    def get_redirect_target(self, resp):
        return None


def ask(session: requests.Session, url: str, headers: dict, patience: Patience) -> requests.Response:
    """The response, headers read and body waiting; Interrupted or AddressFailed otherwise."""
    for _ in range(REDIRECTS + 1):
        response = answer(session, url, headers, patience)
        target = requests.Session.get_redirect_target(session, response)
        if not target:
            break
        response.close()
        url = followed(url, target)
    else:
        raise AddressFailed(f"it redirects more than {REDIRECTS} times")
    if response.status_code in (200, 206) or (response.status_code == 416 and "Range" in headers):
        return response
    response.close()
    kind = Interrupted if response.status_code in AGAIN else AddressFailed
    raise kind(f"it answered {response.status_code} {response.reason or ''}".strip())


def answer(session: requests.Session, url: str, headers: dict, patience: Patience) -> requests.Response:
    """What the server says to one request."""
    try:
        return session.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read))
    except requests.exceptions.SSLError as error:
        raise AddressFailed("its certificate is not valid") from error
    except (requests.exceptions.InvalidURL, UnicodeError) as error:
        raise AddressFailed(f"{url} cannot be asked for") from error
    except BROKEN as error:
        inner = getattr(error.args[0] if error.args else None, "reason", None) or error
        raise Interrupted(f"no answer ({type(inner).__name__})") from error


def followed(url: str, target: str) -> str:
    """Where a redirect leads; AddressFailed where that is no web address, or less safe than what was asked."""
    try:
        address = requests.utils.requote_uri(urljoin(url, target))
        check_address(address, "redirect")
    except ValueError as error:  # InputError is one
        raise AddressFailed(f"it redirects to {target[:200]!r}, which is not a plain http or https address") from error
    if url.startswith("https:") and not address.startswith("https:"):
        raise AddressFailed(f"it redirects to {address}, which is not encrypted")
    return address


def version(response: requests.Response) -> dict[str, str]:
    """What identifies the version that is being sent; a weak ETag does not."""
    named = {name: response.headers.get(name, "") for name in GUARDS}
    return {name: value for name, value in named.items() if value and not value.startswith("W/")}


def continues(response: requests.Response, have: int, guard: tuple[str, str]) -> bool:
    """Whether this is the rest, from byte `have` to the end, of the version that `guard` identifies."""
    span = re.fullmatch(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", response.headers.get("Content-Range", "").strip())
    if response.status_code != 206 or not span or response.headers.get(guard[0]) != guard[1]:
        return False
    first, last, total = map(int, span.groups())
    return first == have and last == total - 1


def announced(response: requests.Response, have: int) -> int | None:
    """Bytes of the whole file as the server states them."""
    length = None
    with suppress(KeyError, ValueError):
        length = int(response.headers["Content-Length"])
    if length is not None and length > AT_MOST:
        raise AddressFailed(f"it offers {length:,} bytes")
    return None if length is None or length < 0 else have + length


def check_kind(response: requests.Response, name: str) -> None:
    """Refuse a web page, and a body packed on the way; servers that call a .gz file's own packing so are known."""
    if response.headers.get("Content-Type", "").strip().lower().startswith("text/html"):
        raise AddressFailed("it sends a web page instead of the file")
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    own = packing in ("gzip", "x-gzip") and name.lower().endswith((".gz", ".tgz"))
    if packing not in ("", "identity") and not own:
        raise AddressFailed(f"it packs the file as {packing} although asked not to")

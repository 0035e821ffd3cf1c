"""One file from one address by pooch; what a server answers is judged before and while its bytes arrive."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests

from tl_jax.errors import InputError
from tl_jax.fetch.checks import Failed, WrongContent, WrongHash, check_content, check_space
from tl_jax.system.progress import Progress

MB = 2**20
AT_MOST = 50 * 10**9  # bytes of a file whose length nobody says
AGAIN = (408, 425, 429, 500, 502, 503, 504)
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "tl_jax fetch"}


class Broken(requests.ConnectionError):
    """A transfer that ended early or creeps; the message says how far it came."""


@dataclass(frozen=True)
class Patience:
    """How long an address is tried; seconds, except tries and slow (bytes per window)."""

    tries: int = 4
    pause: float = 2.0
    connect: float = 15.0
    read: float = 60.0
    slow: int = 4096
    window: float = 60.0


def download(
    address: str,
    into: Path,
    *,
    size: int = 0,
    known: str = "",
    patience: Patience | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Get the file at `address` to the path `into`; every try begins anew, as pooch keeps no part of a file.

    size: bytes, where known. known: the SHA-256 that pooch enforces, where known.
    Raises Failed with what was seen (WrongHash where another file came), InputError where the disk is full.
    """
    pooch.get_logger().setLevel(logging.ERROR)
    patience = patience or Patience()
    for tried in range(1, patience.tries + 1):
        body = Body(into.name, size, bool(known), patience)
        try:
            pooch.retrieve(address, known or None, fname=into.name, path=into.parent, downloader=body)
            return
        except requests.RequestException as error:
            seen = told(error, body.got)
            if not may_pass(error):
                raise Failed(seen) from error
            if tried == patience.tries:
                raise Failed(f"{seen}, {tried} times in a row") from error
            wait = patience.pause * 2 ** (tried - 1)
            say(f"{into.name}: {seen}; trying again in {wait:.0f} s")
            time.sleep(wait)
        except InputError:
            raise
        except ValueError as error:
            raise WrongHash(f"it sent another file: {str(error).partition(' Deleted')[0]}") from error


class Body:
    """Called by pooch as downloader(url, output_file, pooch), and the file that pooch's own downloader writes to."""

    def __init__(self, name: str, size: int, verified: bool, patience: Patience):
        self.name, self.size, self.verified, self.patience = name, size, verified, patience
        self.got = self.mark = self.expected = 0

    def __call__(self, url: str, output_file: str, pooch_=None) -> None:
        self.url, self.folder = url, Path(output_file).parent
        # pooch's temporary file may be read by its user alone; a data folder is often shared.
        Path(output_file).unlink()
        timeout = (self.patience.connect, self.patience.read)
        take = pooch.HTTPDownloader(chunk_size=MB, headers=HEADERS, timeout=timeout, hooks={"response": self.answered})
        with open(output_file, "wb") as self.file, ExitStack() as self.open:
            try:
                take(url, self, pooch_)
            except (requests.RequestException, InputError):
                raise
            except ValueError as error:  # a redirect or a length that cannot be read
                raise Failed(f"its answer cannot be read ({error})") from error
        if self.got < self.expected:
            raise Broken(f"the connection ended after {self.got:,} of {self.expected:,} bytes")
        try:
            check_content(Path(output_file), self.name, self.size)
        except WrongContent as error:
            raise Failed(f"it sent {error}") from error

    def answered(self, response: requests.Response, *_, **__) -> None:
        """Called by requests for each answer, redirects among them, before its body is read."""
        self.open.callback(response.close)  # pooch leaves it open
        if response.is_redirect:
            response.close()  # at once, or requests would read the redirect's own body, however long
            return
        if response.status_code >= 400:
            return  # pooch raises
        total = announced(response)
        if seen := self.fault(response, total):
            raise Failed(seen)
        self.expected = total or self.size
        self.limit = self.expected or AT_MOST
        check_space(self.folder, self.expected, self.name)
        self.shown = self.open.enter_context(Progress(self.expected // MB, self.name, "MB"))
        self.began = time.monotonic()
        # One read of the socket at a time: a larger one would wait for ever on a server that drips. Nor is a .gz
        # unpacked on the way where a server takes the file's own packing for that of the transfer.
        raw = response.raw
        raw.stream = lambda amount, decode_content: iter(lambda: raw.read1(amount, decode_content=False), b"")

    def fault(self, response: requests.Response, total: int | None) -> str:
        """What is wrong with an answer; empty where it may be the file. total: bytes that it announces."""
        if self.url.startswith("https:") and not response.url.startswith("https:"):
            return f"it redirects to {response.url}, which is not encrypted"
        if response.status_code != 200:
            return f"it answered {response.status_code} {response.reason or ''}".strip()
        if response.headers.get("Content-Type", "").strip().lower().startswith("text/html"):
            return "it sends a web page instead of the file"
        packing = response.headers.get("Content-Encoding", "identity").strip().lower()
        own = packing in ("gzip", "x-gzip") and self.name.lower().endswith((".gz", ".tgz"))
        if packing not in ("", "identity") and not own:
            return f"it packs the file as {packing} although asked not to"
        if total is not None and total > AT_MOST:
            return f"it offers {total:,} bytes"
        if total is not None and self.size and total != self.size:
            return f"it offers {total:,} bytes instead of {self.size:,}: another version, or not the file"
        chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
        if total is None and not (self.size or self.verified or chunked):
            return "it does not say how long the file is, so a cut could not be noticed"
        return ""

    def write(self, block: bytes) -> None:
        """Take what arrived. Failed where it is too much, Broken where it creeps, InputError where the disk is full."""
        before, self.got = self.got, self.got + len(block)
        if self.got > self.limit:
            raise Failed(f"it sent more than the {self.limit:,} bytes it should")
        self.file.write(block)
        if more := self.got // MB - before // MB:
            self.shown.advance(more)
            check_space(self.folder, 0, self.name)
        if time.monotonic() - self.began > self.patience.window:
            if self.got - self.mark < self.patience.slow:
                raise Broken(f"the server sent {self.got - self.mark:,} bytes in {self.patience.window:.0f} s")
            self.began, self.mark = time.monotonic(), self.got

    def flush(self) -> None:
        """Called by pooch after each block; the file is brought to the disk once, when it is put in place."""


def announced(response: requests.Response) -> int | None:
    """Bytes of the file as the server states them; None where it does not."""
    try:
        length = int(response.headers["Content-Length"])
    except (KeyError, ValueError):
        return None
    return length if length >= 0 else None


def bad_certificate(error: Exception) -> bool:
    return isinstance(error, requests.exceptions.SSLError) and "certificate" in str(error).lower()


def may_pass(error: requests.RequestException) -> bool:
    """Whether trying again may help."""
    if isinstance(error, requests.HTTPError):
        return error.response.status_code in AGAIN
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return isinstance(error, passing) and not bad_certificate(error)


def told(error: requests.RequestException, got: int) -> str:
    """A fault in words; got: bytes that had arrived."""
    if isinstance(error, Broken):
        return str(error)
    if isinstance(error, requests.HTTPError):
        return f"it answered {error.response.status_code} {error.response.reason or ''}".strip()
    if bad_certificate(error):
        return "its certificate is not valid"
    inner = getattr(error.args[0] if error.args else None, "reason", None) or error
    kind = type(inner).__name__
    return f"the connection broke after {got:,} bytes ({kind})" if got else f"no answer ({kind})"

"""A web server on 127.0.0.1 that does what a test tells it, in a thread."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What the server does at one path; the lists are used up request by request, their last entry stays.

    cuts: bytes after which the connection is cut (None: never). statuses: codes in place of the content.
    """

    content: bytes = b""
    cuts: list = field(default_factory=lambda: [None])
    statuses: list = field(default_factory=lambda: [200])
    headers: dict = field(default_factory=dict)
    length: bool = True
    drip: float = 0.0
    wait: float = 0.0
    stall: int | None = None  # bytes after which nothing more comes, while the connection stays
    chunked: bool = False


def used(entries: list):
    return entries.pop(0) if len(entries) > 1 else entries[0]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        page = self.server.pages.get(self.path)
        page = used(page) if isinstance(page, list) else page  # one after another
        time.sleep(page.wait if page else 0)
        status = used(page.statuses) if page else 404
        if status != 200:
            self.answer(status, dict(page.headers) if page else {}, b"sorry", 10**6 if page and page.stall == 0 else 5)
            while page and page.stall == 0 and not self.server.ending:
                time.sleep(0.02)
            return
        headers, body, cut = dict(page.headers), page.content, used(page.cuts)
        sent = body[:cut]
        if page.chunked:
            headers["Transfer-Encoding"] = "chunked"
            pieces = [sent[i : i + 100_000] for i in range(0, len(sent), 100_000)]
            sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
            sent += b"0\r\n\r\n" if cut is None else b""
        if page.stall is not None:
            sent = body[: page.stall]
        self.answer(200, headers, sent, len(body) if page.length and not page.chunked else None, page.drip)
        while page.stall is not None and not self.server.ending:
            time.sleep(0.02)

    def answer(self, status, headers, body, length, drip=0.0):
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        try:
            for start in range(0, len(body), 1 if drip else len(body)):
                time.sleep(drip)
                self.wfile.write(body[start : start + (1 if drip else len(body))])
                self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.close_connection = True


@contextmanager
def server():
    """A running server: .pages {path: Page}, .asked [(path, headers)], .at(path) the address."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    running.pages, running.asked, running.ending = {}, [], False
    running.at = lambda path: f"http://127.0.0.1:{running.server_port}{path}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        running.ending = True
        running.shutdown()
        running.server_close()
        thread.join()

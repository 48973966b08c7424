"""A real HTTPS server on loopback that can cut, stall, lie and redirect."""

import hashlib
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

Answer = Callable[["Handler", bytes], None]


class Server(ThreadingHTTPServer):
    """Serves ``files`` by path; ``answers`` of a path are used up first, one for each request."""

    daemon_threads = True
    block_on_close = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.released = threading.Event()

    def url(self, path: str) -> str:
        return f"https://localhost:{self.server_address[1]}{path}"

    def ranges(self) -> list[str | None]:
        """Return the Range header of every request."""
        return [headers.get("Range") for _, _, headers in self.asked]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: connections are cut on purpose."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        waiting = self.server.answers.get(self.path, [])
        body = self.server.files.get(self.path, b"")
        answer = waiting.pop(0) if waiting else whole if self.path in self.server.files else status(404)
        answer(self, body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def head(self, code: int, length: int, **headers: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def cut(self) -> None:
        self.wfile.flush()
        self.close_connection = True


def tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def whole(handler: Handler, body: bytes) -> None:
    """Answer as a good server: a part where one is asked for and the file is still the same."""
    found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    same = handler.headers.get("If-Range", tag(body)) == tag(body)
    if not found or not same:
        handler.head(200, len(body), ETag=tag(body))
        handler.wfile.write(body)
        return
    start = int(found[1])
    if start >= len(body):
        handler.head(416, 0)
        return
    handler.head(206, len(body) - start, ETag=tag(body), Content_Range=f"bytes {start}-{len(body) - 1}/{len(body)}")
    handler.wfile.write(body[start:])


def no_range(handler: Handler, body: bytes) -> None:
    handler.head(200, len(body), ETag=tag(body))
    handler.wfile.write(body)


def nameless(handler: Handler, body: bytes) -> None:
    """Answer without an ETag, and break off halfway."""
    handler.head(200, len(body))
    handler.wfile.write(body[: len(body) // 2])
    handler.cut()


def cut_after(n: int) -> Answer:
    def answer(handler: Handler, body: bytes) -> None:
        handler.head(200, len(body), ETag=tag(body))
        handler.wfile.write(body[:n])
        handler.cut()

    return answer


def stall_after(n: int) -> Answer:
    def answer(handler: Handler, body: bytes) -> None:
        handler.head(200, len(body), ETag=tag(body))
        handler.wfile.write(body[:n])
        handler.wfile.flush()
        handler.server.released.wait(600)
        handler.cut()

    return answer


def claim(n: int) -> Answer:
    """Answer with a Content-Length of ``n``, whatever the body."""

    def answer(handler: Handler, body: bytes) -> None:
        handler.head(200, n, ETag=tag(body))
        handler.wfile.write(body[:n])
        handler.cut()

    return answer


def chunked(handler: Handler, body: bytes) -> None:
    """Answer without saying how long the body is."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


def endless(handler: Handler, body: bytes) -> None:
    """Answer until the connection closes, which looks the same as a broken one."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)


def nameless_part(handler: Handler, body: bytes) -> None:
    """Answer with the first 10,000 bytes of the part that is asked for, and without an ETag."""
    start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    handler.head(206, len(body) - start, Content_Range=f"bytes {start}-{len(body) - 1}/{len(body)}")
    handler.wfile.write(body[start : start + 10_000])
    handler.cut()


def wrong_part(handler: Handler, body: bytes) -> None:
    """Answer 206 with a part of another version of the file."""
    handler.head(206, 5, ETag='"another"', Content_Range=f"bytes 40-44/{len(body)}")
    handler.wfile.write(body[40:45])


def status(code: int, **headers: str) -> Answer:
    def answer(handler: Handler, body: bytes) -> None:
        handler.head(code, 0, **headers)

    return answer


def redirect(url: str) -> Answer:
    return status(302, Location=url)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Server, Path]]:
    """Run a server with a certificate of its own authority; yield it and the authority's file."""
    authority = trustme.CA()
    trusted = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with Server() as server:
        # The handshake belongs into the thread of its connection, not into the loop that accepts them all.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server, trusted
        finally:
            server.released.set()
            with suppress(OSError):
                server.shutdown()
            thread.join()

"""Servers that misbehave, for the tests: a proxy that disturbs what passes, and a server that says what it is told."""

import contextlib
import http.client
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


class Server(http.server.ThreadingHTTPServer):
    """An HTTP server on a port of its own, whose threads end with it."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news."""

    @property
    def host(self) -> str:
        """127.0.0.1:PORT"""
        return f"127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler], **more: Any) -> Iterator[Server]:
    """A server for requests that HANDLER handles, with MORE as attributes."""
    server = Server(("127.0.0.1", 0), handler)
    vars(server).update(more)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# A server that answers as it is told.


@dataclass
class Answer:
    """What to answer."""

    status: int = 200
    body: Any = b""  # bytes, or an iterable of them without a Content-Length
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """What was asked."""

    method: str
    path: str
    headers: http.client.HTTPMessage
    body: bytes


class _Scripted(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        asked = Asked(self.command, self.path, self.headers, _body(self))
        self.server.asked.append(asked)
        answer = self.server.answer(asked)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not isinstance(answer.body, bytes):
            self.send_header("Connection", "close")
            self.end_headers()
            for piece in answer.body:
                self.wfile.write(piece)
            return
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, *_: Any) -> None:
        pass


def scripted(answer: Callable[[Asked], Answer]) -> contextlib.AbstractContextManager[Server]:
    """A server that answers as ANSWER says; its ``asked`` is what it was asked."""
    return serving(_Scripted, answer=answer, asked=[])


def _body(handler: http.server.BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0] or b"0", 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


# A proxy before a real registry.


class _Disturbing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        with self.server.lock:
            fault = self.server.fault(self.command, self.path)
        if fault == "hang up":
            self.close_connection = True
            return
        body = _body(self)
        if isinstance(fault, int):
            self._send(fault, {"Retry-After": "0", "Content-Length": "0"}, b"")
            return
        with contextlib.closing(http.client.HTTPConnection(self.server.target, timeout=30)) as target:
            names = set(self.headers.keys()) - {"Transfer-Encoding", "Content-Length", "Connection"}
            target.request(self.command, self.path, body, {name: self.headers[name] for name in names})
            answer = target.getresponse()
            data = answer.read()
        headers = {name: value for name, value in answer.getheaders() if name != "Transfer-Encoding"}
        headers.setdefault("Content-Length", str(len(data)))
        if fault == ("zeros",):
            data = bytes(len(data))
        elif isinstance(fault, tuple):
            self.close_connection = True
            data = data[: fault[1]]
        self._send(answer.status, headers, data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _send(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


Fault = int | str | tuple[str, int] | tuple[str] | None


def disturbed(target: str, fault: Callable[[str, str], Fault]) -> contextlib.AbstractContextManager[Server]:
    """A proxy for the registry at TARGET that does to each request (method, path) what FAULT says.

    A number is a status that it answers with; "hang up" ends the connection without an answer; ("cut", N) ends it
    after N bytes of the answer's body; ("zeros",) makes the body zeros; None lets the request pass.
    """
    return serving(_Disturbing, target=target, fault=fault, lock=threading.Lock())


class Once:
    """Every request meets each of FAULTS once, in turn, then passes."""

    def __init__(self, *faults: Fault):
        self._faults = faults
        self._met: dict[tuple[str, str], int] = {}

    def __call__(self, method: str, path: str) -> Fault:
        # Query and number of an upload are others each time.
        key = (method, re.sub(r"(/uploads/).+|\?.*", r"\1", path))
        number = self._met[key] = self._met.get(key, -1) + 1
        return self._faults[number] if number < len(self._faults) else None

"""A proxy before a registry that cuts connections inside requests and answers, after a chosen byte."""

import contextlib
import http.server
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from registry_faults import Server, serving

PARTS = ("request head", "request body", "answer head", "answer body")
PLACES = ("start", "middle", "end")  # of a part: before its first byte, after half of it, before its last byte
HALF_OF_CHUNKS = 100_000  # bytes: the middle of a body whose size is not known before its end


@dataclass(frozen=True)
class Cut:
    """Where a connection is cut."""

    part: str
    place: str

    def __str__(self) -> str:
        return f"{self.place} of {self.part}"


CUTS = tuple(Cut(part, place) for part in PARTS for place in PLACES)


@dataclass
class EachOnce:
    """Cuts every request at CUT the first time that it comes, unless it has no such part; then lets it pass."""

    cut: Cut
    passed: set[str] = field(default_factory=set)  # what came and was not cut
    cut_off: set[str] = field(default_factory=set)

    def __call__(self, number: int, name: str, has_part: bool) -> bool:
        if name in self.cut_off or not has_part:
            self.passed.add(name)
            return False
        self.cut_off.add(name)
        return True


class GoneAt:
    """Cuts request NUMBER (from 0) and all that come later at CUT; then nothing listens any more."""

    def __init__(self, number: int, cut: Cut):
        self._number = number
        self.cut = cut
        self.seen = 0

    def __call__(self, number: int, name: str, has_part: bool) -> bool:
        self.seen = max(self.seen, number + 1)
        return number >= self._number


def _name(command: str, path: str) -> str:
    """The name of a request, which is the same when it is repeated: an upload has another number each time."""
    return re.sub(r"(/uploads/)[^?]+", r"\1N", f"{command} {re.sub(r'_state=[^&]*&?', '', path)}").rstrip("?")


class _Cutting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        with self.server.lock:
            number = self.server.count
            self.server.count += 1
            rule = self.server.rule
            has_part = rule.cut.part != "request body" or self._has_body()
            has_part = has_part and (rule.cut.part != "answer body" or self.command == "GET")
            is_cut = rule(number, _name(self.command, self.path), has_part)
            if is_cut and isinstance(rule, GoneAt):
                with contextlib.suppress(OSError):  # it is down already
                    self.server.socket.shutdown(socket.SHUT_RDWR)
        cut = rule.cut if is_cut else Cut("", "")
        with contextlib.suppress(OSError):
            self._pass_on(cut)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _has_body(self) -> bool:
        return "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0"

    def _pass_on(self, cut: Cut) -> None:
        self.close_connection = bool(cut.part)
        fields = [(name, value) for name, value in self.headers.items() if name != "Connection"]
        lines = [self.requestline, *(f"{name}: {value}" for name, value in fields), "Connection: close", "", ""]
        host, _, port = self.server.target.partition(":")
        with socket.create_connection((host, int(port)), 30) as target:
            if not _send(target, "\r\n".join(lines).encode("latin-1"), "request head", cut):
                return
            if not _send(target, self._body(cut), "request body", cut):
                return
            answer = b"".join(iter(lambda: target.recv(1 << 16), b""))
        head, end, body = answer.partition(b"\r\n\r\n")
        head = re.sub(rb"\r\nConnection: close", b"", head) + end
        if _send(self.connection, head, "answer head", cut):
            _send(self.connection, body, "answer body", cut)

    def _body(self, cut: Cut) -> bytes:
        """The body as it is sent; no more of it than CUT lets pass."""
        is_cut, size = cut.part == "request body", self.headers.get("Content-Length")
        if is_cut and cut.place == "start":
            return b""
        if size is not None:
            return self.rfile.read(int(size))
        pieces, read = [], 0
        while "Transfer-Encoding" in self.headers and not (is_cut and cut.place == "middle" and read > HALF_OF_CHUNKS):
            line = self.rfile.readline()
            pieces += [line, self.rfile.read(int(line.split(b";")[0], 16) + 2)]
            read += len(pieces[-1])
            if pieces[-1] == b"\r\n":
                break
        return b"".join(pieces)

    def log_message(self, *_: Any) -> None:
        pass


def _send(connection: socket.socket, data: bytes, part: str, cut: Cut) -> bool:
    """Send DATA, which is PART, as far as CUT lets it pass. Whether that was all."""
    if part != cut.part:
        connection.sendall(data)
        return True
    connection.sendall(data[: {"start": 0, "middle": len(data) // 2, "end": max(0, len(data) - 1)}[cut.place]])
    return False


Rule = Callable[[int, str, bool], bool]


def cutting(target: str, rule: EachOnce | GoneAt) -> contextlib.AbstractContextManager[Server]:
    """A proxy for the registry at TARGET, whose connections are cut where RULE says."""
    return serving(_Cutting, target=target, rule=rule, lock=threading.Lock(), count=0)

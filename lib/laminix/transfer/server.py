"""A read-only registry on loopback: the pull half of the OCI distribution specification 1.1, over plain HTTP.

It serves the repositories of ``catalogue``. Blobs are sent from their files, or rebuilt while they are sent.
"""

# Threads fork here. This module hooks a lock into fork; were it imported by one thread while another one forks, the
# fork would release the lock without having taken it.
import concurrent.futures.thread  # noqa: F401
import contextlib
import re
import socket
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer, TCPServer

from laminix import strict_json
from laminix.decimal_digits import number_up_to
from laminix.digest import PATTERN
from laminix.errors import LaminixError, one_line
from laminix.images.image import StoredLayer
from laminix.images.layer_bytes import checked_chunks, stored_chunks
from laminix.images.oci import Index
from laminix.media_types import OCI_INDEX
from laminix.transfer.catalogue import Repository

LOOPBACK = "127.0.0.1"
TIMEOUT = 60  # seconds that a client may take for a request, or to take a chunk of the answer
RECIPES_AT_ONCE = 16  # layers that are made at the same time; more clients wait
MOST_TAGS = 1000  # in one answer
JSON = "application/json"
PATH = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>manifests|blobs|tags|referrers)/(?P<reference>[^/]+)")
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


# Answers.


@dataclass(frozen=True)
class Answer:
    """An answer: its status, headers, and body, which may be a blob or a part of one."""

    status: int
    body: bytes | StoredLayer = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    first: int = 0  # byte of the body
    size: int | None = None  # bytes from there; None is all


def json_answer(status: int, value: object, **headers: str) -> Answer:
    """Return an answer with VALUE as JSON."""
    return Answer(status, strict_json.dumps(value), {"Content-Type": JSON, **headers})


def error_answer(status: int, code: str, message: str, **headers: str) -> Answer:
    """Return an error in the form of the specification (Error Codes)."""
    return json_answer(status, {"errors": [{"code": code, "message": message}]}, **headers)


def answer(repositories: Mapping[str, Repository], method: str, target: str, wanted_range: str | None) -> Answer:
    """Return the answer of a registry with REPOSITORIES to a request for TARGET."""
    try:
        parts = urllib.parse.urlsplit(target)
    except ValueError as error:
        return error_answer(400, "UNSUPPORTED", f"bad request target: {one_line(str(error))}")
    path, query = urllib.parse.unquote(parts.path), dict(urllib.parse.parse_qsl(parts.query))
    if method not in ("GET", "HEAD"):
        return error_answer(405, "UNSUPPORTED", "this registry is read-only", Allow="GET, HEAD")
    if path in ("/v2", "/v2/"):  # Determining Support, end-1
        return json_answer(200, {})
    if path == "/v2/_catalog":
        return _listed(path, "repositories", sorted(repositories), query)
    found = PATH.fullmatch(path)
    if not found:
        return error_answer(404, "UNSUPPORTED", "no such end-point")
    name, reference = found["name"], found["reference"]
    repository = repositories.get(name)
    if repository is None:
        return error_answer(404, "NAME_UNKNOWN", f"no repository {one_line(name)[:200]!r}")
    if found["kind"] == "tags":  # Listing Tags, end-8a and end-8b
        return _listed(path, "tags", sorted(repository.tags), query, name=name)
    if found["kind"] == "manifests":
        return _manifest(repository, reference)
    if not PATTERN.fullmatch(reference):
        return error_answer(400, "DIGEST_INVALID", "expected sha256:<64 hex digits>")
    if found["kind"] == "blobs":
        return _blob(repository, reference, wanted_range)
    return _referrers(repository, reference, query)


def _manifest(repository: Repository, reference: str) -> Answer:
    """Answer a request of end-3 (Pulling manifests)."""
    document = repository.manifest(reference)
    if document is None:
        return error_answer(404, "MANIFEST_UNKNOWN", f"no manifest {one_line(reference)[:200]!r}")
    headers = {"Content-Type": document.media_type, "Docker-Content-Digest": document.digest}
    return Answer(200, document.data, headers)


def _blob(repository: Repository, digest: str, wanted_range: str | None) -> Answer:
    """Answer a request of end-2 (Pulling blobs), with ranges as in RFC 9110, section 14."""
    blob = repository.blobs.get(digest)
    if blob is None:
        return error_answer(404, "BLOB_UNKNOWN", f"no blob {digest}")
    size = len(blob) if isinstance(blob, bytes) else blob.size
    headers = {
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": digest,
        "Accept-Ranges": "bytes",
        "ETag": f'"{digest}"',
    }
    part = parse_range(wanted_range, size)
    if part is None:
        return Answer(200, blob, headers, 0, size)
    first, last = part
    if first > last:
        return error_answer(416, "SIZE_INVALID", "the blob has no such bytes", **{"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Answer(206, blob, headers, first, last - first + 1)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte, of SIZE, that a Range header asks for; None for all.

    If there are no such bytes, the first is greater than the last. Several ranges are treated as all bytes.
    """
    found = RANGE.fullmatch(header.strip()) if header else None
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        return (max(0, size - int(last)), size - 1) if int(last) else (1, 0)
    if last and int(last) < int(first):
        return None
    end = min(int(last), size - 1) if last else size - 1
    return (int(first), end) if int(first) < size else (1, 0)


def _listed(path: str, key: str, names: list[str], query: Mapping[str, str], **more: str) -> Answer:
    """Answer with the NAMES after ``last``, at most ``n`` of them, and a link to the rest (RFC 5988)."""
    wanted = number_up_to(MOST_TAGS, query.get("n", ""))
    count = MOST_TAGS if wanted is None else wanted
    rest = [name for name in names if name > query.get("last", "")]
    shown = rest[:count]
    headers = {}
    if shown and len(rest) > count:
        following = urllib.parse.urlencode({"n": count, "last": shown[-1]})
        headers["Link"] = f'<{urllib.parse.quote(path)}?{following}>; rel="next"'
    return json_answer(200, {**more, key: shown}, **headers)


def _referrers(repository: Repository, digest: str, query: Mapping[str, str]) -> Answer:
    """Answer a request of end-12 (Listing Referrers)."""
    found, wanted = repository.referrers(digest), query.get("artifactType")
    if wanted is not None:
        found = [descriptor for descriptor in found if descriptor.others.get("artifactType") == wanted]
    headers = {"Content-Type": OCI_INDEX, **({} if wanted is None else {"OCI-Filters-Applied": "artifactType"})}
    return Answer(200, Index(tuple(found)).to_bytes(), headers)


# The server.


class ImageServer(ThreadingHTTPServer):
    """A server of REPOSITORIES on loopback. Calls LOG with a line for each request, COMPLAIN with each error.

    With LISTENING, a socket that listens already, PORT does not count. PREPARE is called with each layer that is
    about to be rebuilt from its recipe.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        repositories: Mapping[str, Repository],
        port: int = 0,
        log: Callable[[str], None] | None = None,
        complain: Callable[[str], None] = lambda _: None,
        listening: socket.socket | None = None,
        prepare: Callable[[StoredLayer], None] | None = None,
    ):
        self.prepare = prepare
        self.repositories = repositories
        self.log = log
        self.complain = complain
        self.recipes = threading.BoundedSemaphore(RECIPES_AT_ONCE)
        if listening is not None:
            self._take_over(listening)
            return
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            raise LaminixError("cannot serve", error.strerror or str(error), f"{LOOPBACK}:{port}") from None

    def server_bind(self) -> None:
        """Bind the socket, without the name lookup of http.server."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def _take_over(self, listening: socket.socket) -> None:
        """Serve LISTENING, and open no socket: a sandbox may forbid that."""
        BaseServer.__init__(self, listening.getsockname(), _Handler)
        self.socket = listening
        self.server_name, self.server_port = self.server_address[:2]

    @property
    def host(self) -> str:
        """Return ``127.0.0.1:PORT``, or the address of the socket that listened already."""
        address = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"{address}:{self.server_port}"

    def handle_error(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        """Report an error, unless a client has merely disconnected."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            self.complain(one_line(f"{type(error).__name__}: {error}"))


@contextlib.contextmanager
def serving(server: ImageServer) -> Iterator[None]:
    """Run SERVER in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """The handler of one connection."""

    server: ImageServer
    protocol_version = "HTTP/1.1"
    server_version = "laminix"
    sys_version = ""
    timeout = TIMEOUT
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body that nobody reads
        self._send(answer(self.server.repositories, self.command, self.path, self.headers.get("Range")))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _send(self, given: Answer) -> None:
        size = len(given.body) if given.size is None else given.size
        self.send_response(given.status)
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.send_header("Docker-Distribution-API-Version", "registry/2.0")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD" or not size:
            return
        if isinstance(given.body, bytes):
            self.wfile.write(given.body[given.first : given.first + size])
        else:
            self._send_layer(given.body, given.first, size)

    def _send_layer(self, layer: StoredLayer, first: int, size: int) -> None:
        try:
            if layer.file is not None:
                with open(layer.file, "rb", buffering=0) as file:
                    sent = self.connection.sendfile(file, first, size)
            elif layer.recipe_directory is not None:
                with self.server.recipes:
                    if self.server.prepare is not None:
                        self.server.prepare(layer)
                    sent = self._send_chunks(_chunks(layer, first, size))
            else:
                sent = self._send_chunks(_chunks(layer, first, size))
        except (LaminixError, OSError) as error:
            self.close_connection = True
            if not isinstance(error, (ConnectionError, TimeoutError)):
                self.server.complain(str(error))
            return
        if sent != size:
            self.close_connection = True
            self.server.complain(
                str(LaminixError("bad layer", f"it has {sent} bytes, expected {size}", layer.location))
            )

    def _send_chunks(self, chunks: Iterable[bytes]) -> int:
        sent = 0
        for chunk in chunks:
            self.wfile.write(chunk)
            sent += len(chunk)
        return sent

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a malformed request, which http.server has found, with an error of the specification."""
        self.close_connection = True
        self.command = self.command if getattr(self, "command", None) else "GET"
        unsupported = code == 501  # a method that HTTP does not know
        given = error_answer(405 if unsupported else code, "UNSUPPORTED", one_line(message or "bad request")[:200])
        if self.request_version == "HTTP/0.9":
            self.request_version = "HTTP/1.0"  # else there would be no status line
        self._send(given)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log the request in one line."""
        if self.server.log is not None:
            self.server.log(one_line(f"{int(code)} {self.requestline}"))

    def log_message(self, format: str, *args: object) -> None:
        """Ignore messages about clients' errors: the client gets them."""


def _chunks(layer: StoredLayer, first: int, size: int) -> Iterator[bytes]:
    """Yield SIZE bytes of the layer from FIRST on. A whole layer is checked against its digest."""
    return checked_chunks(layer) if size == layer.size else part_of(stored_chunks(layer), first, size)


def part_of(chunks: Iterable[bytes], first: int, size: int) -> Iterator[bytes]:
    """Yield SIZE bytes of CHUNKS from FIRST on."""
    skipped, left = first, size
    for chunk in chunks:
        part = chunk[skipped : skipped + left]
        skipped = max(0, skipped - len(chunk))
        left -= len(part)
        if part:
            yield part
        if not left:
            return

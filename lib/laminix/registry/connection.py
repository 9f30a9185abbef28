"""HTTP for registries: connections that are kept open, TLS, proxies, redirects and retries.

Credentials are a header that the caller gives. They are never sent to another origin.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from laminix.decimal_digits import number_up_to
from laminix.errors import LaminixError
from laminix.parallel.chunks import CHUNK_SIZE
from laminix.registry.tls import tls_context

WHAT = "registry request failed"
TIMEOUT = 60  # seconds without a byte
ATTEMPTS = 5
BACKOFF = 0.2  # seconds before the first retry; doubles with each
LONGEST_WAIT = 30  # seconds; a Retry-After header asks for no more
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
RETRIED = (429, 500, 502, 503, 504)
LARGEST_DOCUMENT = 4 << 20  # bytes of a manifest or an answer (distribution-spec, Pushing Manifests: 4 MiB)
# What passes by itself: the connection, not what was asked.
# ConnectionLost is what they become once they have been borne often enough.
TRANSIENT = (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
FAILURES = (http.client.HTTPException, OSError)


class ConnectionLost(LaminixError):
    """No answer: a connection was lost or could not be opened."""


@dataclass(frozen=True)
class Access:
    """How to reach registries."""

    environment: Mapping[str, str]  # for proxies, certificates and credentials
    cacert: str | None = None  # a file of certificate authorities to trust besides the system's
    plain_http: bool = False  # speak HTTP instead of TLS


@dataclass(frozen=True)
class Body:
    """A request body that can be sent again."""

    chunks: Callable[[], Iterable[bytes]]
    size: int | None  # bytes; None sends it in chunks (RFC 9112, section 7.1)


def bytes_body(data: bytes) -> Body:
    """Return DATA as a body."""
    return Body(lambda: [data], len(data))


@dataclass
class Response:
    """An answer. Its body is read by ``document`` or ``chunks``; ``Connections.open`` closes it."""

    status: int
    headers: http.client.HTTPMessage
    url: str  # where it came from, after redirects
    _response: http.client.HTTPResponse = field(repr=False)
    _document: bytes | None = None

    def document(self) -> bytes:
        """Return the whole body. Raises LaminixError if it is larger than LARGEST_DOCUMENT."""
        if self._document is None:
            self._document = self._read_document()
        return self._document

    def _read_document(self) -> bytes:
        data = self._response.read(LARGEST_DOCUMENT + 1)
        if len(data) > LARGEST_DOCUMENT:
            why = f"the answer is too large: more than {LARGEST_DOCUMENT} bytes"
            raise LaminixError(WHAT, why, self.url)
        self._check_complete()
        return data

    def chunks(self) -> Iterator[bytes]:
        """Yield the body. Raises one of TRANSIENT if the connection ends early."""
        while chunk := self._response.read(CHUNK_SIZE):
            yield chunk
        self._check_complete()

    def _check_complete(self) -> None:
        # read(amount) does not tell a connection that ended early from a complete body.
        if self._response.length:
            raise http.client.IncompleteRead(b"", self._response.length)

    def is_used_up(self) -> bool:
        """Return whether the connection can be used again: the whole body was read."""
        return self._response.isclosed() and not self._response.will_close


class Connections:
    """Connections to any number of hosts, shared by threads and kept open between requests."""

    def __init__(self, access: Access):
        self.access = access
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._busy: set[http.client.HTTPConnection] = set()
        self.is_aborted = False

    @contextlib.contextmanager
    def open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] = {},
        body: Body | None = None,
        again: bool = True,
        stream: bool = False,
    ) -> Iterator[Response]:
        """Open the answer to a request. Follows redirects of GET and HEAD.

        An Authorization header is sent to the origin of URL only. With AGAIN, the request is repeated after lost
        connections and the statuses in RETRIED. Reads the body as a document, unless the caller reads it as a STREAM.
        Raises LaminixError if there is no answer.
        """
        for _ in range(MOST_REDIRECTS + 1):
            connection, response = self._answer(method, url, headers, body, again, stream)
            place = response.headers.get("Location")
            if response.status not in REDIRECTS or method not in ("GET", "HEAD") or not place:
                break
            self._drop(connection)
            target = redirected(url, place)
            headers = headers if origin(target) == origin(url) else _without_secrets(headers)
            url = target
        else:
            raise LaminixError(WHAT, f"more than {MOST_REDIRECTS} redirects", url)
        try:
            yield response
        finally:
            self._release(connection, response)

    def abort(self) -> None:
        """End the requests of all threads, and later ones, with ConnectionLost."""
        with self._lock:
            self.is_aborted = True
            for connection in self._busy:
                with contextlib.suppress(OSError, AttributeError):  # it is closed, or not connected yet
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _answer(self, method: str, url: str, headers, body: Body | None, again: bool, stream: bool):
        """Return the connection and the response of one request, which is repeated up to ATTEMPTS times."""
        attempt = 0
        while True:
            attempt += 1
            connection, is_new = self._connection(url)
            try:
                response = _exchange(connection, method, self._target(url), headers, body, url)
                if response.status not in RETRIED or not again or attempt >= ATTEMPTS:
                    if not stream and response.status not in REDIRECTS:
                        response.document()
                    return connection, response
                wait = retry_wait(attempt, response.headers.get("Retry-After"))
                self._drop(connection)
            except BaseException as error:
                self._drop(connection)
                may_pass = isinstance(error, TRANSIENT) and not isinstance(error, ConnectionRefusedError)
                # The server may have closed a connection that was idle: that is no failed attempt.
                attempt -= not is_new
                if not may_pass or not again or attempt >= ATTEMPTS or self.is_aborted:
                    raise _failed(error, url) if isinstance(error, FAILURES) else error from None
                wait = retry_wait(attempt, None) if is_new else 0
            time.sleep(wait)

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()
        with self._lock:
            self._busy.discard(connection)

    def _connection(self, url: str) -> tuple[http.client.HTTPConnection, bool]:
        """Return a connection for URL, and whether it is new."""
        with self._lock:
            if self.is_aborted:
                raise ConnectionLost(WHAT, "given up, since another request failed", origin(url))
            idle = self._idle.get(origin(url))
            if idle:
                self._busy.add(idle[-1])
                return idle.pop(), False
        connection = self._new_connection(url)
        with self._lock:
            self._busy.add(connection)
        return connection, True

    def _new_connection(self, url: str) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(url)
        proxy = proxy_for(url, self.access.environment)
        if parts.scheme == "http":
            place = proxy or parts
            connection = _Connection(place.hostname, place.port, timeout=TIMEOUT)
        else:
            context = self.context(parts.netloc.rpartition("@")[2])
            place = proxy or parts
            connection = _TLSConnection(place.hostname, place.port, timeout=TIMEOUT, context=context)
            if proxy:
                # With a port of its own, lest the proxy's is taken; a proxy is spoken to in plain HTTP.
                connection.set_tunnel(parts.hostname, parts.port or 443, _proxy_headers(proxy))
        connection.owner = self
        return connection

    def context(self, host: str) -> ssl.SSLContext:
        """Return the TLS settings for HOST[:PORT]."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = tls_context(host, self.access.cacert, self.access.environment)
            return self._contexts[host]

    def _target(self, url: str) -> tuple[str, dict[str, str]]:
        """Return the target of the request line, and the headers for an HTTP proxy."""
        parts = urllib.parse.urlsplit(url)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        proxy = proxy_for(url, self.access.environment) if parts.scheme == "http" else None
        return (f"{parts.scheme}://{parts.netloc}{path}", _proxy_headers(proxy)) if proxy else (path, {})

    def _release(self, connection: http.client.HTTPConnection, response: Response) -> None:
        if not response.is_used_up():
            self._drop(connection)
            return
        with self._lock:
            self._busy.discard(connection)
            self._idle.setdefault(origin(response.url), []).append(connection)


class _WholeHead(http.client.HTTPResponse):
    """A response whose headers end with an empty line. http.client takes headers that are cut off for all of them."""

    def begin(self) -> None:
        """Read status and headers. Raises IncompleteRead if the connection ends before the empty line."""
        file = self.fp
        self.fp = lines = _Lines(file)
        try:
            super().begin()
        finally:
            self.fp = file
        if lines.last not in (b"\r\n", b"\n"):
            raise http.client.IncompleteRead(lines.last)


class _Lines:
    """A file that is read by lines, with its last line."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.last = b""

    def readline(self, limit: int) -> bytes:
        self.last = self._file.readline(limit)
        return self.last

    def close(self) -> None:
        self._file.close()


class _Prompt:
    """A connection that sends small writes at once (TCP_NODELAY), and is not opened after ``Connections.abort``."""

    owner: Connections
    response_class = _WholeHead

    def connect(self) -> None:
        super().connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # abort() ends open sockets only. It sets is_aborted first, so this check sees what abort() has missed.
        if self.owner.is_aborted:
            raise ConnectionAbortedError("given up, since another request failed")


class _Connection(_Prompt, http.client.HTTPConnection):
    pass


class _TLSConnection(_Prompt, http.client.HTTPSConnection):
    pass


def _exchange(connection, method: str, target, headers, body: Body | None, url: str) -> Response:
    """Send a request and read the headers of the answer."""
    path, proxy_headers = target
    headers = {"User-Agent": "laminix", **headers, **proxy_headers}
    if body is None:
        connection.request(method, path, headers={**headers, **({"Content-Length": "0"} if method == "POST" else {})})
    elif body.size is None:
        headers["Transfer-Encoding"] = "chunked"
        _send(connection, method, path, body, headers, encode_chunked=True)
    else:
        headers["Content-Length"] = str(body.size)
        _send(connection, method, path, body, headers, encode_chunked=False)
    answer = connection.getresponse()
    return Response(answer.status, answer.headers, url, answer)


def _send(connection, method: str, path: str, body: Body, headers: dict[str, str], encode_chunked: bool) -> None:
    try:
        connection.request(method, path, _readable(body.chunks()), headers, encode_chunked=encode_chunked)
    except (BrokenPipeError, ConnectionResetError):
        # A server that refuses need not read the whole body; then its answer says why, if it is there.
        if connection.sock is None:
            raise


def _readable(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield CHUNKS. Raises LaminixError for an error in reading them, which is not an error of the connection."""
    try:
        yield from chunks
    except OSError as error:
        raise LaminixError("cannot read what is to be sent", error.strerror or str(error), error.filename) from None


def _failed(error: Exception, url: str) -> ConnectionLost:
    place = f"{origin(url)}{urllib.parse.urlsplit(url).path}"  # a query may have secrets
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not trusted: {error.verify_message}; give its authority with --cacert"
    elif isinstance(error, http.client.IncompleteRead):
        why = "the connection ended in the middle of the answer"
    elif isinstance(error, OSError):
        why = error.strerror or str(error) or type(error).__name__
    else:
        why = f"no valid HTTP answer: {error or type(error).__name__}"
    return ConnectionLost(WHAT, why, place)


def retry_wait(attempt: int, retry_after: str | None) -> float:
    """Return the seconds to wait after attempt number ATTEMPT: RETRY_AFTER, or else twice as many each time."""
    if retry_after and retry_after.isascii() and retry_after.isdecimal():
        wait = number_up_to(LONGEST_WAIT, retry_after)
        return LONGEST_WAIT if wait is None else wait
    return min(BACKOFF * 2 ** (attempt - 1), LONGEST_WAIT)


def origin(url: str) -> str:
    """Return scheme, host and port of URL, including a default port."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def redirected(url: str, location: str) -> str:
    """Return the target of the LOCATION in an answer from URL. Raises LaminixError if it is invalid or gives up TLS."""
    try:
        target = urllib.parse.urljoin(url, location)
        scheme, host = urllib.parse.urlsplit(target).scheme, urllib.parse.urlsplit(target).hostname
        origin(target)
    except ValueError as error:
        raise LaminixError(WHAT, f"bad Location in the answer: {error}", url) from None
    if scheme not in ("http", "https") or not host or any(c <= " " or c > "~" for c in target):
        raise LaminixError(WHAT, f"bad Location in the answer: {location[:200]!r}", url)
    if url.startswith("https:") and scheme == "http":
        raise LaminixError(WHAT, f"refusing a redirect from TLS to plain HTTP, to {origin(target)}", url)
    return target


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Authorization"}


def is_loopback(host: str) -> bool:
    """Return whether HOST[:PORT] is localhost or a loopback address."""
    name = urllib.parse.urlsplit(f"//{host}").hostname or ""
    return name == "localhost" or name == "::1" or name.startswith("127.")


def proxy_for(url: str, environment: Mapping[str, str]) -> urllib.parse.SplitResult | None:
    """Return the proxy for URL by ``https_proxy``, ``http_proxy``, ``all_proxy`` and ``no_proxy``; None for none.

    The variables may be in capitals. Loopback is never reached through a proxy.
    """
    parts = urllib.parse.urlsplit(url)
    proxy = _variable(f"{parts.scheme}_proxy", environment) or _variable("all_proxy", environment)
    excluded = {"no": _variable("no_proxy", environment) or ""}
    netloc = parts.netloc.rpartition("@")[2]
    if not proxy or is_loopback(netloc) or urllib.request.proxy_bypass_environment(netloc, excluded):
        return None
    found = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if found.scheme != "http" or not found.hostname:
        raise LaminixError("bad proxy", f"found {found.scheme}://{found.hostname}, expected http://HOST[:PORT]")
    return found if found.port else found._replace(netloc=f"{found.netloc}:80")


def _variable(name: str, environment: Mapping[str, str]) -> str | None:
    return environment.get(name) or environment.get(name.upper())


def _proxy_headers(proxy: urllib.parse.SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    import base64

    user, password = (urllib.parse.unquote(part or "") for part in (proxy.username, proxy.password))
    return {"Proxy-Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

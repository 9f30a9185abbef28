"""The requests of the OCI distribution specification 1.1. Docstrings name its sections and end-points."""

import contextlib
import json
import re
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from laminix.decimal_digits import number_up_to
from laminix.descriptor import Descriptor
from laminix.digest import digest_of, new_hash, sha256
from laminix.errors import LaminixError, one_line
from laminix.images.oci import INDEX_TYPES, MANIFEST_TYPES
from laminix.registry.address import Address
from laminix.registry.authentication import Authenticator
from laminix.registry.connection import (
    TRANSIENT,
    WHAT,
    Access,
    Body,
    Connections,
    Response,
    bytes_body,
    is_loopback,
    origin,
    redirected,
)
from laminix.registry.credentials import find_credentials
from laminix.registry.resuming import body_from, range_from, resumed

LARGEST_SIZE = 2**63 - 1  # bytes of a blob
ACCEPTED = ", ".join(sorted(MANIFEST_TYPES) + sorted(INDEX_TYPES))
BINARY = {"Content-Type": "application/octet-stream"}
RECEIVED = re.compile(r"(?:bytes[= ])?0-(\d{1,18})")


class RegistryError(LaminixError):
    """A registry refuses a request: its HTTP status, and the error codes in the answer."""

    def __init__(self, why: str, place: str, status: int, codes: tuple[str, ...] = ()):
        super().__init__(WHAT, why, place)
        self.status = status
        self.codes = codes


@dataclass(frozen=True)
class Document:
    """A manifest or index as a registry serves it."""

    data: bytes
    media_type: str
    digest: str

    @classmethod
    def of(cls, data: bytes, media_type: str) -> "Document":
        """Return the document DATA with its SHA-256 digest."""
        return cls(data, media_type, sha256(data))

    @property
    def descriptor(self) -> Descriptor:
        """Return the descriptor of the document."""
        return Descriptor(self.media_type, self.digest, len(self.data))


class Registry:
    """A registry: its base URL, which is determined at the first request, and its authentication."""

    def __init__(self, connections: Connections, address: Address):
        self.connections = connections
        self._host = address.host
        environment = connections.access.environment
        self.authenticator = Authenticator(
            connections, lambda: find_credentials(address.registry, address.repository, environment)
        )
        self._base: str | None = None
        self._lock = threading.Lock()

    @property
    def base(self) -> str:
        """Return ``https://HOST[:PORT]``; ``http://`` if asked for, and at loopback if the server does not use TLS."""
        with self._lock:
            if self._base is None:
                self._base = f"{self._scheme()}://{self._host}"
            return self._base

    def _scheme(self) -> str:
        access = self.connections.access
        if access.plain_http:
            return "http"
        if access.cacert is None and is_loopback(self._host) and not _speaks_tls(self.connections, self._host):
            return "http"
        return "https"


def _speaks_tls(connections: Connections, host: str) -> bool:
    """Return whether the server at HOST uses TLS, with any certificate."""
    parts = urllib.parse.urlsplit(f"https://{host}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((parts.hostname, parts.port or 443), 10) as plain:
            context.wrap_socket(plain, server_hostname=parts.hostname).close()
        return True
    except ConnectionRefusedError as error:
        raise LaminixError(WHAT, f"{error.strerror}: no registry listens there", host) from None
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # it speaks TLS and refuses something; all else is no TLS
    except OSError:
        return False


class Repository:
    """A repository of a registry. With PUSH, requests ask for the permission to push too."""

    def __init__(self, registry: Registry, name: str, push: bool = False):
        self.registry = registry
        self.name = name
        self._scope = f"repository:{name}:pull{',push' if push else ''}"

    @contextlib.contextmanager
    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = {},
        body: Body | None = None,
        again: bool = True,
        stream: bool = False,
        also: tuple[str, ...] = (),
    ) -> Iterator[Response]:
        """Open the answer to a request for PATH, relative to the repository, or for a URL. Answers challenges.

        AGAIN and STREAM are those of ``Connections.open``; ALSO are further repositories that the request reads from.
        """
        base = self.registry.base
        url = path if "://" in path else f"{base}/v2/{self.name}/{path}"
        scopes = (self._scope, *(f"repository:{name}:pull" for name in also))
        own = origin(url) == origin(base)
        known = self.registry.authenticator.header(scopes) if own else None
        with contextlib.ExitStack() as stack:
            send = partial(self._open, stack, method, url, headers, body, again, stream)
            response = send(known)
            if is_challenged(response, base):
                response.document()
                stack.pop_all().close()
                answer = self.registry.authenticator.answer(response.headers, response.url, scopes, known)
                response = send(answer)
                if is_challenged(response, base):
                    raise self.registry.authenticator.refused(response.url)
            yield response

    def _open(self, stack, method: str, url: str, headers, body, again: bool, stream: bool, authorization: str | None):
        secret = {} if authorization is None else {"Authorization": authorization}
        opened = self.registry.connections.open(method, url, {**headers, **secret}, body, again, stream)
        return stack.enter_context(opened)

    def manifest(self, reference: str) -> Document | None:
        """Return the manifest or index that a tag or digest names; None if absent (Pulling manifests, end-3).

        A digest is checked. Raises LaminixError for any other refusal.
        """
        with self.request("GET", f"manifests/{reference}", {"Accept": ACCEPTED}) as response:
            if response.status == 404:
                return None
            check_status(response, 200)
            data = response.document()
            media_type = _media_type(data, response.headers.get("Content-Type") or "")
            place = self.place(reference)
        digest = _checked_digest(data, reference, place) if ":" in reference else sha256(data)
        return Document(data, media_type, digest)

    def blob(self, digest: str, size: int) -> Iterator[bytes]:
        """Yield the SIZE bytes of the blob. Resumes after a lost connection (Pulling blobs, end-2).

        The caller checks the digest. Raises LaminixError if the blob has another size.
        """
        return resumed(partial(self._blob_from, digest, size), size, self.place(digest))

    def _blob_from(self, digest: str, size: int, position: int) -> Iterator[bytes]:
        """Yield the bytes of the blob from POSITION, until the connection ends."""
        with self.request("GET", f"blobs/{digest}", range_from(position), stream=True) as response:
            if response.status == 404:
                raise RegistryError("the registry has no such blob", self.place(digest), 404)
            check_status(response, 200, 206)
            left = size - position
            expected = size if response.status == 200 else left
            length = response.headers.get("Content-Length", "")
            if length.isdecimal() and number_up_to(LARGEST_SIZE, length) != expected:
                raise self._wrong_size(digest, length, expected)
            for chunk in body_from(response, position):
                left -= len(chunk)
                if left < 0:
                    raise self._wrong_size(digest, f"more than {size}", size)
                yield chunk

    def _wrong_size(self, digest: str, found: object, expected: int) -> LaminixError:
        return LaminixError("bad blob", f"the registry sends {found} bytes, expected {expected}", self.place(digest))

    def small_blob(self, digest: str) -> bytes:
        """Return the blob, at most 4 MiB (Pulling blobs, end-2). The caller checks the digest."""
        with self.request("GET", f"blobs/{digest}") as response:
            check_status(response, 200)
            return response.document()

    def has_blob(self, digest: str) -> bool:
        """Return whether the repository has the blob (Pulling blobs, end-2 with HEAD)."""
        with self.request("HEAD", f"blobs/{digest}") as response:
            if response.status == 404:
                return False
            check_status(response, 200)
            return True

    def mount_or_begin(self, digest: str, source: str | None) -> str | None:
        """Mount the blob from the repository SOURCE (Mounting a blob, end-11).

        Returns None if the registry did so, else the URL of the upload that it began instead (end-4a).
        """
        query = {"mount": digest, **({"from": source} if source else {})}
        path = f"blobs/uploads/?{urllib.parse.urlencode(query)}"
        with self.request("POST", path, also=(source,) if source else ()) as response:
            check_status(response, 201, 202)
            return None if response.status == 201 else self._location(response)

    def begin_upload(self) -> str:
        """Begin an upload and return its URL (Pushing a blob, end-4a)."""
        with self.request("POST", "blobs/uploads/") as response:
            check_status(response, 202)
            return self._location(response)

    def send_chunk(self, upload: str, body: Body) -> str:
        """Send BODY to the upload and return the upload's next URL (Pushing a blob in chunks, end-5)."""
        with self.request("PATCH", upload, BINARY, body, again=False) as response:
            check_status(response, 202, 204)
            return self._location(response)

    def upload_progress(self, upload: str) -> tuple[str, int] | None:
        """Return the next URL of an interrupted upload, and how many bytes of the blob the registry has (end-13).

        Returns None if the registry has given up the upload, or does not say.
        """
        with self.request("GET", upload) as response:
            received = RECEIVED.fullmatch(response.headers.get("Range") or "")
            if response.status != 204 or received is None or received[1] == "0":  # registries say 0-0 of nothing, too
                return None
            next_ = self._location(response) if response.headers.get("Location") else upload
            return next_, int(received[1]) + 1

    def finish_upload(self, upload: str, digest: str, body: Body = bytes_body(b"")) -> None:
        """Send the rest of the blob and complete the upload (Pushing a blob, end-6)."""
        url = f"{upload}{'&' if '?' in upload else '?'}{urllib.parse.urlencode({'digest': digest})}"
        with self.request("PUT", url, BINARY, body, again=False) as response:
            check_status(response, 201, 204)

    def put_manifest(self, reference: str, data: bytes, media_type: str) -> None:
        """Store the manifest DATA under REFERENCE, a tag or its digest (Pushing manifests, end-7)."""
        headers = {"Content-Type": media_type}
        with self.request("PUT", f"manifests/{reference}", headers, bytes_body(data)) as response:
            check_status(response, 201, 200, 202, 204)

    def _location(self, response: Response) -> str:
        location = response.headers.get("Location")
        if not location:
            raise LaminixError(WHAT, "the answer has no Location header for the upload", response.url)
        return redirected(response.url, location)

    def place(self, reference: str) -> str:
        """Return the location of a manifest or blob, for messages."""
        return f"{self.registry.base}/v2/{self.name} {reference}"


def connect(address: Address, access: Access, push: bool = False) -> Repository:
    """Return the repository of ADDRESS, with new connections."""
    return Repository(Registry(Connections(access), address), address.repository, push)


def is_challenged(response: Response, base: str) -> bool:
    """Return whether the registry at BASE, not a server that it redirects to, asks for authentication."""
    return response.status == 401 and origin(response.url) == origin(base)


def check_status(response: Response, *expected: int) -> None:
    """Raises RegistryError, with the registry's message, unless the status is one of EXPECTED."""
    if response.status in expected:
        return
    codes, messages = _errors(response)
    said = f": {'; '.join(messages)}" if messages else ""
    raise RegistryError(f"status {response.status}{said}", response.url.partition("?")[0], response.status, codes)


def _errors(response: Response) -> tuple[tuple[str, ...], list[str]]:
    """Return the codes and messages of the errors in an answer (Error Codes)."""
    try:
        errors = json.loads(response.document())["errors"]
        codes = tuple(str(error["code"]) for error in errors)
        texts = [f"{error['code']}: {error.get('message') or ''}".rstrip(": ") for error in errors]
    except (LaminixError, *TRANSIENT, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return (), []
    return codes, [one_line(text[:200]) for text in texts[:5]]


def _media_type(data: bytes, content_type: str) -> str:
    """Return the ``mediaType`` of the manifest DATA, which its digest covers; without it, the CONTENT_TYPE."""
    try:
        stated = json.loads(data).get("mediaType")
    except (ValueError, AttributeError, RecursionError):
        stated = None
    return stated if isinstance(stated, str) else content_type.partition(";")[0].strip()


def _checked_digest(data: bytes, digest: str, place: str) -> str:
    state = new_hash(digest)
    state.update(data)
    if digest_of(state) != digest:
        raise LaminixError("bad manifest", f"its digest is {digest_of(state)}, expected {digest}", place)
    return digest

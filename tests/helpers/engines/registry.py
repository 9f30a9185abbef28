"""docker-registry, and its log of what was asked and uploaded."""

import contextlib
import json
import re
import socket
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from engines import daemon

NEEDS = ("docker-registry",)

CONFIG = """\
version: 0.1
log: {{level: info, formatter: text, accesslog: {{disabled: false}}}}
storage: {{filesystem: {{rootdirectory: {directory}/data}}, delete: {{enabled: true}}, maintenance: {{readonly: {{enabled: {readonly}}}}}}}
http: {http}
auth: {auth}
"""
# Time stamps stand before it, and the address of the client.
REQUEST = re.compile(r'"([A-Z]+) (/v2/\S*) HTTP/[\d.]+" (\d+)')
DOWNLOADED = re.compile(r'"GET /v2/\S+/blobs/(sha256:[0-9a-f]{64}) HTTP/[\d.]+" 200 (\d+)')
UPLOAD = re.compile(r"/v2/\S+/blobs/uploads/")

USER, PASSWORD = "alibaba", "open sesame"
HTPASSWD = f"{USER}:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n"  # bcrypt


@dataclass(frozen=True)
class Request:
    """A request that the registry has answered."""

    method: str
    path: str  # with its query
    status: int


class Registry:
    """A running registry."""

    def __init__(self, host: str, log: str, tls: tuple[str, str] | None = None):
        self.host = host  # 127.0.0.1:PORT, which engines take without TLS
        self.log = log  # the file
        self._tls = tls  # the files of certificate and key

    def requests(self) -> list[Request]:
        """What was asked so far, in the order of the answers; not the pings by which the tests await it."""
        with open(self.log, encoding="utf-8") as file:
            found = [Request(method, path, int(status)) for method, path, status in REQUEST.findall(file.read())]
        return [request for request in found if request.path != "/v2/"]

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[Request]]:
        """A list that has, when the block has ended, the requests that came in it."""
        before, during = len(self.requests()), []
        yield during
        during += self.requests()[before:]

    def uploads(self) -> list[str]:
        """The digests of the blobs that were uploaded so far, in that order, as the access log has them.

        A blob that was there already, or was mounted from another repository, is not among them.
        """
        done = [request for request in self.requests() if (request.method, request.status) == ("PUT", 201)]
        queries = [urllib.parse.urlsplit(request.path).query for request in done if UPLOAD.match(request.path)]
        return [urllib.parse.parse_qs(query)["digest"][0] for query in queries]

    def downloads(self) -> list[tuple[str, int]]:
        """The digests of the blobs that were downloaded so far and the bytes that were sent, in that order."""
        with open(self.log, encoding="utf-8") as file:
            return [(digest, int(size)) for digest, size in DOWNLOADED.findall(file.read())]

    def answers(self) -> bool:
        """Whether it serves, or wants credentials; raises OSError while nothing listens."""
        scheme, handlers = "http", [urllib.request.ProxyHandler({})]
        if self._tls:
            scheme, context = "https", ssl.create_default_context(cafile=self._tls[0])
            context.load_cert_chain(*self._tls)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        try:
            with urllib.request.build_opener(*handlers).open(f"{scheme}://{self.host}/v2/", timeout=10) as response:
                return response.status == 200
        except urllib.error.HTTPError as error:
            return error.code == 401


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(directory: str, address: str = "127.0.0.1") -> tuple[str, str]:
    """The files of a certificate for ADDRESS that is its own authority, and of its key."""
    certificate, key = f"{directory}/certificate.pem", f"{directory}/key.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=laminix tests"]
    argv += ["-addext", f"subjectAltName=IP:{address},DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run(argv, check=True, capture_output=True)
    return certificate, key


@contextlib.contextmanager
def serve(
    directory: str,
    *,
    tls: tuple[str, str] | None = None,
    client_authority: str | None = None,
    password: bool = False,
    token: dict[str, str] | None = None,
    readonly: bool = False,
) -> Iterator[Registry]:
    """A registry on this machine alone, all its state in DIRECTORY, empty if that is.

    TLS are the files of a certificate and its key, CLIENT_AUTHORITY that of who may sign clients' certificates. With
    PASSWORD it wants basic authentication, with TOKEN (the registry's own options) bearer tokens. READONLY refuses
    uploads.
    """
    registry = Registry(f"127.0.0.1:{free_port()}", daemon.log_file(directory), tls)
    http = {"addr": registry.host, "secret": "none"}
    if tls:
        http["tls"] = {"certificate": tls[0], "key": tls[1]}
        http["tls"] |= {"clientcas": [client_authority]} if client_authority else {}
    auth = {}
    if password:
        with open(f"{directory}/htpasswd", "w", encoding="ascii") as file:
            file.write(HTPASSWD)
        auth = {"htpasswd": {"realm": "tests", "path": f"{directory}/htpasswd"}}
    if token:
        auth = {"token": token}
    config = f"{directory}/registry.yml"
    with open(config, "w", encoding="ascii") as file:
        values = {"http": json.dumps(http), "auth": json.dumps(auth), "readonly": json.dumps(readonly)}
        file.write(CONFIG.format(directory=directory, **values))
    argv = ["env", "OTEL_TRACES_EXPORTER=none", "docker-registry", "serve", config]
    with daemon.running(directory, argv, registry.answers):
        yield registry

"""The daemon that the docker command speaks to, and connections to it.

It is at ``$DOCKER_HOST``, or else at the endpoint of the context that ``$DOCKER_CONTEXT`` or ``docker context use``
names (the files of docker/cli, cli/context/store).
"""

import contextlib
import hashlib
import http.client
import os
import shlex
import socket
import ssl
import subprocess
import tempfile
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from laminix import strict_json
from laminix.errors import LaminixError, one_line
from laminix.regular_file import read_regular_file

BAD_ENGINE = "cannot load"
DOCKER_SOCKET = "/var/run/docker.sock"
DEFAULT_CONTEXT = "default"  # the local daemon
TIMEOUT = 600  # seconds without an answer; engines unpack layers meanwhile
PLAIN_PORT, TLS_PORT = 2375, 2376


@dataclass(frozen=True)
class DockerHost:
    """The place of a daemon."""

    url: str = f"unix://{DOCKER_SOCKET}"
    certificates: str | None = None  # a directory with ca.pem, cert.pem and key.pem, for TLS


def find_docker_host(environment: Mapping[str, str]) -> DockerHost:
    """Return the place of the daemon. Raises LaminixError for a context that does not exist."""
    config = environment.get("DOCKER_CONFIG") or os.path.join(environment.get("HOME", "/nonexistent"), ".docker")
    if url := environment.get("DOCKER_HOST"):
        return DockerHost(url, (environment.get("DOCKER_CERT_PATH") or config) if _wants_tls(environment) else None)
    context = environment.get("DOCKER_CONTEXT") or _current_context(os.path.join(config, "config.json"))
    return DockerHost() if context == DEFAULT_CONTEXT else _of_context(context, os.path.join(config, "contexts"))


def _wants_tls(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_TLS"))


def _current_context(path: str) -> str:
    if not os.path.exists(path):
        return DEFAULT_CONTEXT
    name = strict_json.loads(read_regular_file(path), BAD_ENGINE, path).get("currentContext")
    return name.text() if name and name.raw else DEFAULT_CONTEXT


def _of_context(name: str, directory: str) -> DockerHost:
    identifier = hashlib.sha256(name.encode()).hexdigest()
    path = os.path.join(directory, "meta", identifier, "meta.json")
    if not os.path.exists(path):
        raise LaminixError(BAD_ENGINE, f"docker has no context {name!r}", path)
    endpoint = strict_json.loads(read_regular_file(path), BAD_ENGINE, path)["Endpoints"]["docker"]
    certificates = os.path.join(directory, "tls", identifier, "docker")
    return DockerHost(endpoint["Host"].text(), certificates if os.path.isdir(certificates) else None)


def docker_connection(host: DockerHost) -> http.client.HTTPConnection:
    """Return a connection to HOST, which is opened with the first request. Raises LaminixError for an unknown scheme."""
    parts = urllib.parse.urlsplit(host.url)
    if parts.scheme == "unix":
        return _UnixConnection(parts.path)
    if parts.scheme == "ssh" and parts.hostname:
        return _SSHConnection(parts)
    if parts.scheme in ("tcp", "http") and host.certificates is None:
        return http.client.HTTPConnection(parts.hostname, parts.port or PLAIN_PORT, timeout=TIMEOUT)
    if parts.scheme in ("tcp", "https"):
        context = _tls_context(host.certificates)
        return http.client.HTTPSConnection(parts.hostname, parts.port or TLS_PORT, timeout=TIMEOUT, context=context)
    why = f"docker's host is {host.url!r}, expected unix://, tcp:// or ssh://; use pack-image … | docker load"
    raise LaminixError(BAD_ENGINE, why)


def _tls_context(certificates: str | None) -> ssl.SSLContext:
    """Return TLS settings with the files of the directory CERTIFICATES; those of the system without one."""
    if certificates is None:
        return ssl.create_default_context()
    authority, certificate, key = (os.path.join(certificates, f"{name}.pem") for name in ("ca", "cert", "key"))
    try:
        context = ssl.create_default_context(cafile=authority)
        if os.path.exists(certificate):
            context.load_cert_chain(certificate, key)
    except OSError as error:  # an SSLError is one
        raise LaminixError(BAD_ENGINE, f"bad certificates for docker: {error.strerror}", certificates) from None
    return context


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str):
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _SSHConnection(http.client.HTTPConnection):
    """HTTP over the standard streams of ``docker system dial-stdio`` on another machine, as the docker command does."""

    def __init__(self, parts: urllib.parse.SplitResult):
        super().__init__("localhost", timeout=TIMEOUT)
        self._argv = ssh_command(parts)
        self._process: subprocess.Popen | None = None
        self._said = ""

    def connect(self) -> None:
        self._errors = tempfile.TemporaryFile()
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(self.timeout)
        with theirs:
            self._process = subprocess.Popen(self._argv, stdin=theirs, stdout=theirs, stderr=self._errors)

    def getresponse(self) -> http.client.HTTPResponse:
        """Return the answer. Raises ConnectionError with what ssh says if there is none."""
        try:
            return super().getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            self.close()
            raise ConnectionError(self._said or "ssh has ended without a message") from None

    def close(self) -> None:
        super().close()
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)  # the end of its input ends it
        self._process.kill()
        self._process.wait()
        self._process = None
        with self._errors:
            self._errors.seek(0)
            self._said = one_line(self._errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2][:500])


def ssh_command(parts: urllib.parse.SplitResult) -> list[str]:
    """Return the command that connects to the docker at ssh://[USER@]HOST[:PORT][/SOCKET]."""
    user = ["-l", urllib.parse.unquote(parts.username)] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    at = ["--host", shlex.quote(f"unix://{parts.path}")] if parts.path.strip("/") else []
    remote = ["docker", *at, "system", "dial-stdio"]
    return ["ssh", "-o", "ConnectTimeout=30", "-T", *user, *port, "--", parts.hostname, *remote]

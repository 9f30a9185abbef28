"""dockerd, with its classic store or the containerd store, spoken to over its HTTP API."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import urllib.parse
from collections.abc import Iterator
from typing import Any

from engines import daemon
from engines.program import EngineError, Ran

NEEDS = ("dockerd",)
STORES = ("overlay2", "containerd")


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str):
        super().__init__("localhost", timeout=300)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Docker:
    """A running dockerd."""

    def __init__(self, socket_path: str):
        self.socket = socket_path
        self.host = f"unix://{socket_path}"  # what $DOCKER_HOST takes

    def answers(self) -> bool:
        """Whether it serves; raises OSError while nothing listens."""
        return self._read("GET", "/_ping") == b"OK"

    def load(self, archive: str) -> str:
        """The first name or ID that is there after ``docker load`` of ARCHIVE and was not before.

        What the daemon prints is not enough: it says nothing of an old archive, and "Loaded image" of
        one that it then does not have.
        """
        before = self.references()
        with open(archive, "rb") as file:
            headers = {"Content-Type": "application/x-tar", "Content-Length": str(os.stat(archive).st_size)}
            self._progress("/images/load?quiet=1", file, headers)
        new = [reference for reference in self.references() if reference not in before]
        if not new:
            raise EngineError(f"docker load {archive}: no image is there after it")
        return new[0]

    def references(self) -> list[str]:
        """The names of all images, and the IDs of those without one, sorted."""
        return sorted(
            name for image in self._json("GET", "/images/json") for name in image["RepoTags"] or [image["Id"]]
        )

    def inspect(self, reference: str) -> dict[str, Any]:
        """What ``docker inspect`` shows of an image."""
        return self._json("GET", f"/images/{reference}/json")

    def history(self, reference: str) -> list[str]:
        """What made each layer or empty step, as ``docker history`` has it, but the oldest first."""
        return [entry["CreatedBy"] for entry in self._json("GET", f"/images/{reference}/history")[::-1]]

    def save(self, archive: str, *references: str) -> None:
        """Write the images to the file ARCHIVE, as ``docker save`` does."""
        query = "&".join(f"names={urllib.parse.quote(reference)}" for reference in references)
        with self._response("GET", f"/images/get?{query}") as response, open(archive, "wb") as file:
            shutil.copyfileobj(response, file)

    def tag(self, reference: str, name: str) -> None:
        """Give an image the further name NAME (with its tag)."""
        repository, tag = _parts(name)
        self._read("POST", f"/images/{reference}/tag?repo={repository}&tag={tag}")

    def push(self, name: str) -> None:
        """Push the image NAME to the registry that the name begins with."""
        repository, tag = _parts(name)
        self._progress(f"/images/{repository}/push?tag={tag}", headers={"X-Registry-Auth": "e30="})

    def pull(self, name: str) -> str:
        """NAME, pulled from the registry that it begins with."""
        repository, tag = _parts(name)
        self._progress(f"/images/create?fromImage={repository}&tag={tag}")
        return name

    def run(self, reference: str, *argv: str) -> Ran:
        """The end of a container without network that runs ARGV, or else what the image says."""
        container = self._json("POST", "/containers/create", _container(reference, argv))["Id"]
        try:
            self._read("POST", f"/containers/{container}/start")
            status = self._json("POST", f"/containers/{container}/wait")["StatusCode"]
            logs = self._read("GET", f"/containers/{container}/logs?stdout=1&stderr=1")
        finally:
            self._read("DELETE", f"/containers/{container}?force=1&v=1")
        return Ran(status, *_streams(logs))

    def files(self, reference: str) -> bytes:
        """The tar of all files that a container of the image has; nothing runs in it."""
        container = self._json("POST", "/containers/create", _container(reference, ("/nothing",)))["Id"]
        try:
            return self._read("GET", f"/containers/{container}/export")
        finally:
            self._read("DELETE", f"/containers/{container}?force=1&v=1")

    @contextlib.contextmanager
    def _response(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        with contextlib.closing(_Connection(self.socket)) as connection:
            # Where it refuses before it has read all, the answer says why.
            with contextlib.suppress(BrokenPipeError):
                connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            if response.status >= 400:
                raise EngineError(f"{method} {path}: {response.status}: {response.read().decode()}")
            yield response

    def _read(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> bytes:
        with self._response(method, path, body, headers) as response:
            return response.read()

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        if body is None:
            return json.loads(self._read(method, path))
        return json.loads(self._read(method, path, json.dumps(body).encode(), {"Content-Type": "application/json"}))

    def _progress(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> None:
        """POST, and raise the error that the daemon may report in the midst of its progress, with status 200."""
        for line in self._read("POST", path, body, headers).splitlines():
            if "error" in json.loads(line):
                raise EngineError(f"POST {path}: {json.loads(line)['error']}")


def _parts(name: str) -> tuple[str, str]:
    """The repository and the tag of a name."""
    repository, _, tag = name.rpartition(":")
    return repository, tag


def _container(reference: str, argv: tuple[str, ...]) -> dict[str, Any]:
    container = {"Image": reference, "NetworkDisabled": True, "HostConfig": {"NetworkMode": "none"}}
    return {**container, "Cmd": list(argv)} if argv else container


def _streams(logs: bytes) -> tuple[str, str]:
    """Standard output and standard error, taken apart from the one stream that holds both.

    It is made of frames: a byte for the stream, three zeros, the size in four bytes, the data.
    """
    streams = {1: b"", 2: b""}
    while logs:
        end = 8 + int.from_bytes(logs[4:8], "big")
        streams[logs[0]] += logs[8:end]
        logs = logs[end:]
    return streams[1].decode(), streams[2].decode()


@contextlib.contextmanager
def serve(directory: str, store: str, *options: str) -> Iterator[Docker]:
    """A dockerd with an empty store of one of the STORES, without network, all its state in DIRECTORY.

    OPTIONS are further ones of its command line.
    """
    config = f"{directory}/daemon.json"
    with open(config, "w", encoding="ascii") as file:
        json.dump({"features": {"containerd-snapshotter": store == "containerd"}}, file)
    docker = Docker(f"{directory}/docker.sock")
    argv = ["dockerd", "--config-file", config, "--host", docker.host]
    argv += ["--data-root", f"{directory}/data", "--exec-root", f"{directory}/exec"]
    argv += ["--pidfile", f"{directory}/docker.pid", "--shutdown-timeout", "1", "--bridge=none"]
    argv += [f"--{flag}=false" for flag in ("iptables", "ip6tables", "ip-forward", "ip-masq", "userland-proxy")]
    argv += [*options] if store == "containerd" else ["--storage-driver", store, *options]
    with daemon.running(directory, argv, docker.answers):
        yield docker

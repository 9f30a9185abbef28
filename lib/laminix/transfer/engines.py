"""Container engines that an image is loaded into: docker, podman and containerd.

Each pulls from a registry on this machine, names what it pulled, and takes an archive if it cannot reach the registry.
"""

import contextlib
import http.client
import json
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from laminix.errors import LaminixError, one_line
from laminix.transfer.docker_host import BAD_ENGINE, docker_connection, find_docker_host


class Engine(Protocol):
    """An engine."""

    name: str

    def pull(self, source: str) -> None:
        """Pull HOST:PORT/NAME@DIGEST. Raises LaminixError if the engine fails."""

    def tag(self, source: str, names: Sequence[str]) -> None:
        """Give the image SOURCE, which was pulled, NAMES (with registry and tag) in place of its own name."""

    def load(self, archive: Iterable[bytes], names: Sequence[str]) -> None:
        """Load a Docker archive of one image, which has NAMES afterwards."""

    def image_id(self, name: str) -> str:
        """Return the engine's ID of the image NAME: a digest."""


def find_engine(wanted: str | None, environment: Mapping[str, str]) -> Engine:
    """Return the engine called WANTED, or the first of docker, podman and containerd that is here.

    Raises LaminixError if there is none.
    """
    path = environment.get("PATH")
    if wanted == "docker" or wanted is None and Docker(environment).answers():
        return Docker(environment)
    if wanted == "podman" or wanted is None and shutil.which("podman", path=path):
        return Podman(environment)
    if wanted == "containerd" or wanted is None and shutil.which("ctr", path=path):
        return Containerd(environment)
    raise LaminixError(BAD_ENGINE, "no engine found: start docker, or install podman or containerd")


class Docker:
    """dockerd, over its HTTP API (Docker Engine API 1.24 and later), where ``docker_host`` finds it."""

    name = "docker"

    def __init__(self, environment: Mapping[str, str]):
        self._environment = environment

    def answers(self) -> bool:
        """Return whether the daemon answers."""
        try:
            with self._request("GET", "/_ping"):
                return True
        except LaminixError:
            return False

    def pull(self, source: str) -> None:
        """See ``Engine``."""
        name, _, digest = source.partition("@")
        query = urllib.parse.urlencode({"fromImage": name, "tag": digest})
        with self._request("POST", f"/images/create?{query}") as response:
            self._check_progress(response)

    def tag(self, source: str, names: Sequence[str]) -> None:
        """See ``Engine``."""
        for name in names:
            repository, _, tag = name.rpartition(":")
            query = urllib.parse.urlencode({"repo": repository, "tag": tag})
            with self._request("POST", f"/images/{source}/tag?{query}"):
                pass
        with self._request("DELETE", f"/images/{source}?noprune=1"):
            pass

    def load(self, archive: Iterable[bytes], names: Sequence[str]) -> None:
        """See ``Engine``."""
        headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
        with self._request("POST", "/images/load?quiet=1", archive, headers) as response:
            self._check_progress(response)

    def image_id(self, name: str) -> str:
        """See ``Engine``."""
        with self._request("GET", f"/images/{name}/json") as response:
            return json.loads(response.read())["Id"]

    def _check_progress(self, response: http.client.HTTPResponse) -> None:
        """Read messages to their end. Raises LaminixError for an error among them: the status is 200 all the same."""
        for line in response:
            message = json.loads(line)
            if "error" in message:
                raise LaminixError(BAD_ENGINE, f"docker: {one_line(str(message['error']))}")

    @contextlib.contextmanager
    def _request(
        self, method: str, path: str, body: Iterable[bytes] | None = None, headers: Mapping[str, str] = {}
    ) -> Iterator[http.client.HTTPResponse]:
        host = find_docker_host(self._environment)
        try:
            with contextlib.closing(docker_connection(host)) as connection:
                with contextlib.suppress(BrokenPipeError):  # the answer says why
                    connection.request(method, path, body, dict(headers), encode_chunked=body is not None)
                response = connection.getresponse()
                if response.status >= 400:
                    said = one_line(response.read(500).decode("utf-8", "replace"))
                    raise LaminixError(BAD_ENGINE, f"docker: {said or response.status}")
                yield response
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LaminixError(BAD_ENGINE, f"docker: {one_line(str(error))}", host.url) from None


class Podman:
    """podman, as a program."""

    name = "podman"

    def __init__(self, environment: Mapping[str, str]):
        self._environment = dict(environment)

    def pull(self, source: str) -> None:
        """See ``Engine``."""
        self._run("pull", "--quiet", "--tls-verify=false", source)

    def tag(self, source: str, names: Sequence[str]) -> None:
        """See ``Engine``."""
        self._run("tag", source, *names)
        self._run("untag", self.image_id(names[0]).partition(":")[2], source)

    def load(self, archive: Iterable[bytes], names: Sequence[str]) -> None:
        """See ``Engine``."""
        # podman names an image of an archive without a registry localhost/NAME.
        output = self._run("load", "--quiet", data=archive)
        loaded = [line.partition(": ")[2] for line in output.splitlines() if line.startswith("Loaded image")]
        if not loaded:
            raise LaminixError(
                BAD_ENGINE, f"podman load: expected 'Loaded image: NAME', found {one_line(output[:200])!r}"
            )
        self._run("tag", loaded[0], *names)
        if extra := [name for name in loaded if name not in names]:
            self._run("untag", names[0], *extra)

    def image_id(self, name: str) -> str:
        """See ``Engine``."""
        return f"sha256:{self._run('image', 'inspect', '--format', '{{.Id}}', name).strip()}"

    def _run(self, *argv: str, data: Iterable[bytes] | None = None) -> str:
        return run_program(["podman", *argv], self._environment, data)


class Containerd:
    """containerd, by ctr, which finds it at ``$CONTAINERD_ADDRESS`` and uses ``$CONTAINERD_NAMESPACE``."""

    name = "containerd"

    def __init__(self, environment: Mapping[str, str]):
        self._environment = dict(environment)

    def pull(self, source: str) -> None:
        """See ``Engine``."""
        self._run("pull", "--plain-http", source)

    def tag(self, source: str, names: Sequence[str]) -> None:
        """See ``Engine``."""
        self._run("tag", "--force", source, *names)
        self._run("remove", source)

    def load(self, archive: Iterable[bytes], names: Sequence[str]) -> None:
        """See ``Engine``."""
        self._run("import", "-", data=archive)

    def image_id(self, name: str) -> str:
        """See ``Engine``. It is the digest of the manifest."""
        for line in self._run("list", f"name=={name}").splitlines()[1:]:
            return line.split()[2]
        raise LaminixError(BAD_ENGINE, "containerd has no such image", name)

    def _run(self, *argv: str, data: Iterable[bytes] | None = None) -> str:
        return run_program(["ctr", "images", *argv], self._environment, data)


def run_program(
    argv: Sequence[str], environment: Mapping[str, str], data: Iterable[bytes] | None = None, what: str = BAD_ENGINE
) -> str:
    """Run ARGV with DATA as standard input and return what it prints. Raises LaminixError, of WHAT, if it fails."""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if data is None else subprocess.DEVNULL,
            env=dict(environment),
        )
    except FileNotFoundError:
        raise LaminixError(what, "program not found on $PATH", argv[0]) from None
    with process:
        if data is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.writelines(data)
        output = process.stdout.read().decode("utf-8", "replace")
    if process.returncode:
        last = one_line(output.strip().rpartition("\n")[2][:500])
        raise LaminixError(what, f"{' '.join(argv[:3])}: {last or f'status {process.returncode}'}")
    return output

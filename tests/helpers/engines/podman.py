"""podman, with runc."""

import json
from typing import Any

from engines import storage
from engines.isolation import ISOLATED
from engines.program import Ran, output, run

NEEDS = ("podman", "runc")


class Podman:
    """podman with a store of its own in DIRECTORY."""

    def __init__(self, directory: str):
        self.directory = directory
        self.env = storage.configure(directory)
        self._podman = (*ISOLATED, "podman", "--root", f"{directory}/root", "--runroot", f"{directory}/run")
        self._podman += ("--tmpdir", f"{directory}/tmp", "--runtime", "runc")

    def load(self, archive: str) -> str:
        """The first image that ``podman load`` says it loaded from ARCHIVE."""
        return output(*self._podman, "load", "--quiet", "--input", archive, env=self.env).split()[2]

    def pull(self, reference: str, *options: str) -> str:
        """The ID of the image that REFERENCE (TRANSPORT:PLACE, or of a registry on this machine) leads to."""
        argv = ("pull", "--quiet", "--tls-verify=false", *options, reference)
        return output(*self._podman, *argv, env=self.env).split()[-1]

    def references(self) -> list[str]:
        """The names of all images."""
        return output(*self._podman, "images", "--format", "{{.Repository}}:{{.Tag}}", env=self.env).split()

    def architecture(self, reference: str) -> str:
        """The architecture that the image is for."""
        argv = ("image", "inspect", "--format", "{{.Architecture}}", reference)
        return output(*self._podman, *argv, env=self.env).strip()

    def history(self, reference: str) -> list[str]:
        """What made each layer or empty step, the oldest first."""
        argv = ("history", "--no-trunc", "--format", "{{.CreatedBy}}", reference)
        return output(*self._podman, *argv, env=self.env).splitlines()[::-1]

    def inspect(self, reference: str) -> dict[str, Any]:
        """What ``podman inspect`` shows of an image."""
        return json.loads(output(*self._podman, "inspect", reference, env=self.env))[0]

    def files(self, reference: str) -> bytes:
        """The tar of all files that a container of the image has; nothing runs in it."""
        container = output(*self._podman, "create", "--pull=never", reference, "/nothing", env=self.env).split()[-1]
        archive = f"{self.directory}/export"
        try:
            output(*self._podman, "export", "--output", archive, container, env=self.env)
            with open(archive, "rb") as file:
                return file.read()
        finally:
            output(*self._podman, "rm", container, env=self.env)

    def run(self, reference: str, *argv: str) -> Ran:
        """The end of a container without network that runs ARGV, or else what the image says."""
        options = ("--rm", "--pull=never", "--network=none")
        return run(*self._podman, "run", *options, reference, *argv, env=self.env)

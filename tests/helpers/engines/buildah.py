"""buildah, with runc."""

import contextlib
import json
import shlex
from collections.abc import Iterator

from engines import storage
from engines.isolation import ISOLATED
from engines.program import Ran, output, run

NEEDS = ("buildah", "runc")


class Buildah:
    """buildah with a store of its own in DIRECTORY."""

    def __init__(self, directory: str):
        self.env = storage.configure(directory)
        self._buildah = (*ISOLATED, "buildah", "--root", f"{directory}/root", "--runroot", f"{directory}/run")

    def load(self, archive: str) -> str:
        """The ID of the image in the docker archive ARCHIVE."""
        return self.pull(f"docker-archive:{archive}")

    def pull(self, reference: str) -> str:
        """The ID of the image that REFERENCE (TRANSPORT:PLACE, or of a registry on this machine) leads to."""
        return self.output("pull", "--quiet", "--tls-verify=false", reference).split()[-1]

    def run(self, reference: str, *argv: str) -> Ran:
        """The end of a container without network, made from the image, that runs ARGV, or else what the image says."""
        with self.working_container(reference) as container:
            return self.run_in(container, *(argv or self._command(container)))

    def run_in(self, container: str, *argv: str) -> Ran:
        """The end of ARGV in a working container."""
        options = ("--isolation", "oci", "--runtime", "runc", "--network", "none")
        return run(*self._buildah, "run", *options, container, "--", *argv, env=self.env)

    def run_in_chroot(self, container: str, script: str) -> Ran:
        """The end of a shell script in a working container, as the machine's root, who may make device nodes."""
        options = ("--isolation", "chroot", "--cap-add", "CAP_MKNOD")
        return run(*self._buildah, "run", *options, container, "--", "/bin/sh", "-e", "-c", script, env=self.env)

    def with_root_of(self, container: str, *argv: str) -> str:
        """What the program ARGV prints, whose last argument is the directory with a container's files."""
        mount = shlex.join([*self._buildah[len(ISOLATED) :], "mount", container])
        return output(*ISOLATED, "sh", "-ec", f'place=$({mount}); "$@" "$place"', "sh", *argv, env=self.env)

    def _command(self, container: str) -> tuple[str, ...]:
        config = json.loads(self.output("inspect", container))["OCIv1"]["config"]
        return (*config.get("Entrypoint", ()), *config.get("Cmd", ()))

    @contextlib.contextmanager
    def working_container(self, reference: str) -> Iterator[str]:
        """A container to change and commit, as ``buildah from`` makes it."""
        container = self.output("from", "--quiet", reference).strip()
        try:
            yield container
        finally:
            self.output("rm", container)

    def output(self, *argv: str) -> str:
        """What ``buildah ARGV`` prints; raises EngineError where it fails."""
        return output(*self._buildah, *argv, env=self.env)

"""containerd, spoken to with ctr."""

import contextlib
import itertools
from collections.abc import Iterator

from engines import daemon
from engines.program import EngineError, Ran, output, run

NEEDS = ("containerd", "ctr")

CONFIG = """\
version = 2
root = "{0}/root"
state = "{0}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{0}/c.sock"
[ttrpc]
address = "{0}/c.sock.ttrpc"
[debug]
address = ""
[plugins."io.containerd.internal.v1.opt"]
path = "{0}/opt"
"""


class Containerd:
    """A running containerd."""

    def __init__(self, directory: str):
        self.address, self.namespace = f"{directory}/c.sock", "laminix"
        self._ctr = ("ctr", "--address", self.address, "--namespace", self.namespace)
        # The pipes of a container: where the daemon sees them too.
        self._run = (*self._ctr, "run", "--rm", "--fifo-dir", f"{directory}/fifo")
        self._numbers = itertools.count()

    def load(self, archive: str, *options: str) -> str:
        """The first name that is there after ``ctr images import`` of ARCHIVE and was not before."""
        before = self.references()
        output(*self._ctr, "images", "import", *options, archive)
        new = [reference for reference in self.references() if reference not in before]
        if not new:
            # With status 0: an archive whose index names no image adds none.
            raise EngineError(f"ctr images import {archive}: no image is there after it")
        return new[0]

    def references(self) -> list[str]:
        """The names of all images."""
        return output(*self._ctr, "images", "list", "--quiet").split()

    def pull(self, reference: str) -> str:
        """REFERENCE, pulled from its registry."""
        output(*self._ctr, "images", "pull", "--plain-http", reference)
        return reference

    def run(self, reference: str, *argv: str) -> Ran:
        """The end of a container that runs ARGV, or else what the image says."""
        return run(*self._run, reference, f"c{next(self._numbers)}", *argv)


@contextlib.contextmanager
def serve(directory: str) -> Iterator[Containerd]:
    """A containerd with an empty store, all its state in DIRECTORY."""
    config = f"{directory}/config.toml"
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG.format(directory))
    containerd = Containerd(directory)
    argv = ["containerd", "--config", config]
    with daemon.running(directory, argv, lambda: containerd.references() == []):
        yield containerd

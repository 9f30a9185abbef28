"""skopeo, which copies images between transports and registries."""

import json
from typing import Any

from engines.program import output

NEEDS = ("skopeo",)


class Skopeo:
    """skopeo with its cache in DIRECTORY."""

    def __init__(self, directory: str):
        # A cache that other runs have filled swaps layers for others that a registry holds.  It moves
        # only for who is not root, or says so.
        self.env = {"XDG_DATA_HOME": f"{directory}/xdg", "_CONTAINERS_ROOTLESS_UID": "1"}

    def copy(self, source: str, destination: str, *options: str) -> None:
        """Copy an image; both ends are TRANSPORT:PLACE, or docker://HOST/NAME:TAG."""
        insecure = ("--src-tls-verify=false", "--dest-tls-verify=false")
        self._output("copy", "--quiet", *insecure, *options, source, destination)

    def push(self, source: str, destination: str) -> None:
        """Copy an image to a registry's docker://HOST/NAME:TAG as it is, no layer compressed on the way."""
        self.copy(source, destination, "--preserve-digests")

    def manifest(self, reference: str) -> dict[str, Any]:
        """The manifest as it is stored."""
        return json.loads(self.manifest_bytes(reference))

    def manifest_bytes(self, reference: str) -> bytes:
        """The same, to the byte."""
        return self._output("inspect", "--tls-verify=false", "--raw", reference).encode()

    def config(self, reference: str) -> dict[str, Any]:
        """The config as it is stored."""
        return json.loads(self._output("inspect", "--tls-verify=false", "--config", "--raw", reference))

    def understood_config(self, reference: str) -> dict[str, Any]:
        """The config as skopeo understands it."""
        return json.loads(self._output("inspect", "--tls-verify=false", "--config", reference))

    def _output(self, *argv: str) -> str:
        return output("skopeo", "--insecure-policy", *argv, env=self.env)

"""skopeo, whose docker archives are what dockerTools' pullImage makes and hashes."""

from collections.abc import Mapping

from laminix.images.platform import Platform
from laminix.images.reference import Reference
from laminix.registry.address import PREFIX, Address
from laminix.transfer.engines import run_program


def write_docker_archive(
    program: str,
    address: Address,
    platform: Platform,
    name: Reference,
    path: str,
    tls_verify: bool,
    environment: Mapping[str, str],
) -> None:
    """Write the image with ADDRESS's digest as an archive to PATH, named NAME, with the skopeo PROGRAM.

    The options that decide on the bytes are those of pullImage (nix/docker-tools/pull-image.nix).  Raises LaminixError
    if skopeo is missing or fails.
    """
    source, target = f"{PREFIX}{address.name}@{address.digest}", f"docker-archive:{path}:{name.name}:{name.tag}"
    selected = ["--override-os", platform.os, "--override-arch", platform.architecture]
    verified = f"--src-tls-verify={'true' if tls_verify else 'false'}"
    # An error shows the first words.
    argv = [program, "copy", source, target, "--quiet", "--insecure-policy", *selected, verified]
    run_program(argv, environment, what="cannot pull image")

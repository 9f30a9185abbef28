"""Platforms: operating system, architecture and variant, with Go's names (image-spec image-index.md)."""

import os
import re
from dataclasses import dataclass

from laminix.errors import UsageError
from laminix.strict_json import Value

OPERATING_SYSTEMS = frozenset(
    "aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd solaris wasip1 windows".split()
)
ARCHITECTURES = frozenset(
    "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm".split()
)
# Names that kernels and compilers use, and Go's names for the same architectures.
GO_NAMES = {
    "x86_64": "amd64",
    "x64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "armv5tel": "arm",
    "armv6l": "arm",
    "armv7l": "arm",
    "armv8l": "arm",
    "loongarch64": "loong64",
    "powerpc64le": "ppc64le",
    "powerpc64": "ppc64",
}
# The variant that an architecture has if none is given.
DEFAULT_VARIANTS = {"arm64": "v8", "amd64": "v1"}


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform an image runs on."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def same_machine(self, other: "Platform") -> bool:
        """Return whether both are the same platform; a default variant equals none (linux/arm64/v8, linux/arm64)."""
        return self._normalized() == other._normalized()

    def same_family(self, other: "Platform") -> bool:
        """Return whether operating system and architecture are the same; variants may differ."""
        return (self.os, self.architecture) == (other.os, other.architecture)

    def _normalized(self) -> tuple[str, str, str]:
        is_default = DEFAULT_VARIANTS.get(self.architecture) == self.variant
        return (self.os, self.architecture, "" if is_default else self.variant)


def checked_platform(os_name: str, architecture: str, variant: str = "") -> Platform:
    """Return the platform with these parts. Raises UsageError for names that Go does not know."""
    if os_name not in OPERATING_SYSTEMS:
        why = f"unknown operating system {os_name!r}, expected a GOOS such as linux"
        raise UsageError("bad platform", why)
    if architecture not in ARCHITECTURES:
        remedy = GO_NAMES.get(architecture, "amd64 or arm64")
        why = f"unknown architecture {architecture!r}, expected a GOARCH such as {remedy}"
        raise UsageError("bad platform", why)
    if not re.fullmatch(r"[a-z0-9.,_]*", variant):
        raise UsageError("bad platform", f"invalid variant {variant!r}, expected one such as v7")
    return Platform(os_name, architecture, variant)


def parse_platform(text: str) -> Platform:
    """Return the platform in TEXT, written OS/ARCH[/VARIANT]. Raises UsageError for any other text."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError("bad platform", f"found {text!r}, expected OS/ARCH or OS/ARCH/VARIANT")
    return checked_platform(*parts)


def read_platform(value: Value) -> Platform:
    """Return the platform in VALUE: the ``platform`` of a descriptor or an image config, which share these keys."""
    variant = value.get("variant")
    return Platform(value["os"].text(), value["architecture"].text(), variant.text() if variant else "")


def machine_architecture() -> str:
    """Return Go's name for this machine's architecture."""
    name = os.uname().machine
    return GO_NAMES.get(name, name)


def machine_platform() -> Platform:
    """Return the platform of this machine's containers: always Linux, because other systems run them in a VM."""
    return Platform("linux", machine_architecture())

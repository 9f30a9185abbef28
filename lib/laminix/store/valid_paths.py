"""The store paths of a closure with everything that Nix registers about them, such as the digest of the NAR."""

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass

from laminix.store.closure import members
from laminix.strict_json import Value

NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"


@dataclass(frozen=True)
class ValidPath:
    """A store path as Nix registers it."""

    path: str
    nar_digest: str  # sha256:HEX of its NAR
    nar_size: int  # bytes
    references: tuple[str, ...]
    ca: str | None = None  # content address; None if the path is not content-addressed


def read_valid_paths(closure: Value, kept: Collection[str]) -> list[ValidPath]:
    """Return the store paths of CLOSURE that are in KEPT, sorted by path.

    Raises LaminixError if a narHash is missing or is not a SHA-256 hash.
    """
    found = [
        ValidPath(item.path, _nar_digest(member["narHash"]), item.size, item.references, _ca(member))
        for member, item in members(closure)
        if item.path in kept
    ]
    return sorted(found, key=lambda valid: valid.path)


def roots(paths: list[ValidPath]) -> list[str]:
    """Return the store paths in PATHS that no other path refers to, in the same order."""
    referred = {reference for valid in paths for reference in valid.references if reference != valid.path}
    return [valid.path for valid in paths if valid.path not in referred]


def _ca(member: Value) -> str | None:
    ca = member.get("ca")
    return None if ca is None else ca.text()


def _nar_digest(value: Value) -> str:
    """Return the hash in VALUE, in any of Nix's formats, as sha256:HEX."""
    digest = sha256_of_text(value.text())
    if digest is None:
        raise value.error(f"found {value.raw!r}, expected a SHA-256 hash in base 16, Nix's base 32 or SRI format")
    return digest


def sha256_of_text(text: str) -> str | None:
    """Return the SHA-256 hash TEXT, in any of Nix's formats, as sha256:HEX; None if it is not one."""
    if re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        return text
    if re.fullmatch(rf"sha256:[01][{NIX32}]{{51}}", text):
        return f"sha256:{_from_nix32(text.removeprefix('sha256:')).hex()}"
    if re.fullmatch(r"sha256-[0-9A-Za-z+/]{43}=", text):
        return f"sha256:{binascii.hexlify(base64.b64decode(text[7:])).decode()}"
    return None


def _from_nix32(text: str) -> bytes:
    """Return the bytes of a hash in Nix's base 32: five bits a digit, last digit lowest, bytes little-endian."""
    number = 0
    for digit in text:
        number = number << 5 | NIX32.index(digit)
    return number.to_bytes(32, "little")

"""Narinfo: what a binary cache says of the NAR of a store path (Nix manual, Binary Cache Format).

A cache is not trusted. Its signatures are not checked: the digest of the layer that is made of the NARs says more.
"""

import os
import posixpath
import urllib.parse
from dataclasses import dataclass

from laminix.errors import LaminixError, shown
from laminix.store.valid_paths import sha256_of_text

WHAT = "bad narinfo"
DEFAULT_COMPRESSION = "bzip2"
COMPRESSIONS = ("none", "xz", "bzip2", "gzip", "zstd")
LARGEST_NAR = 256 << 30  # bytes


@dataclass(frozen=True)
class NarInfo:
    """The NAR of a store path in a cache."""

    store_path: str
    url: str  # relative to the cache; checked
    nar_digest: str  # sha256:HEX
    nar_size: int  # bytes
    file_digest: str | None  # of the NAR as stored, sha256:HEX; None if the cache does not say
    file_size: int | None  # bytes; likewise


def read_narinfo(data: bytes, store_path: str, place: str) -> NarInfo:
    """Return the narinfo DATA of STORE_PATH. Raises LaminixError, naming PLACE, for a missing or wrong field."""
    fields = _fields(data, place)
    found = _needed(fields, "StorePath", place)
    if found != store_path:
        raise LaminixError(WHAT, f"StorePath: found {found!r}, expected {shown(store_path)!r}", place)
    compression = fields.get("Compression", DEFAULT_COMPRESSION)
    if compression not in COMPRESSIONS:
        raise LaminixError(WHAT, f"Compression: found {compression!r}, expected {', '.join(COMPRESSIONS)}", place)
    return NarInfo(
        store_path,
        _url(_needed(fields, "URL", place), place),
        _digest("NarHash", _needed(fields, "NarHash", place), place),
        _size("NarSize", _needed(fields, "NarSize", place), place),
        _digest("FileHash", fields["FileHash"], place) if "FileHash" in fields else None,
        _size("FileSize", fields["FileSize"], place) if "FileSize" in fields else None,
    )


def store_directory_of(data: bytes, place: str) -> str:
    """Return the store directory whose paths a cache has, by its nix-cache-info DATA."""
    return _fields(data, place).get("StoreDir", "/nix/store")


def name_of_narinfo(store_path: str) -> str:
    """Return the name of the narinfo of STORE_PATH in a cache."""
    return f"{os.path.basename(store_path)[:32]}.narinfo"


def _fields(data: bytes, place: str) -> dict[str, str]:
    """Return the fields of a document with lines like ``StoreDir: /nix/store``."""
    fields: dict[str, str] = {}
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        key, colon, value = line.partition(": ")
        if not colon and not line.endswith(":"):
            raise LaminixError(WHAT, f"found the line {line[:100]!r}, expected KEY: VALUE", place)
        key = key.removesuffix(":")
        if key in fields and key != "Sig":
            raise LaminixError(WHAT, f"{key[:100]!r} is there twice", place)
        fields[key] = value.strip()
    return fields


def _needed(fields: dict[str, str], key: str, place: str) -> str:
    if not fields.get(key):
        raise LaminixError(WHAT, f"it has no {key}", place)
    return fields[key]


def _url(text: str, place: str) -> str:
    """Return TEXT if it names a file within the cache."""
    parts = urllib.parse.urlsplit(text)
    path = urllib.parse.unquote(parts.path)
    is_within = posixpath.normpath(path) == path and not path.startswith(("/", "../")) and path not in (".", "..")
    if parts.scheme or parts.netloc or not is_within or any(c <= " " or c > "~" for c in text):
        raise LaminixError(WHAT, f"URL: found {text[:200]!r}, expected a path within the cache", place)
    return text


def _digest(key: str, text: str, place: str) -> str:
    digest = sha256_of_text(text)
    if digest is None:
        raise LaminixError(WHAT, f"{key}: found {text[:100]!r}, expected a SHA-256 hash", place)
    return digest


def _size(key: str, text: str, place: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16 and int(text) <= LARGEST_NAR):
        raise LaminixError(WHAT, f"{key}: found {text[:100]!r}, expected a number up to {LARGEST_NAR}", place)
    return int(text)

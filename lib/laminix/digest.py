"""Digests: content addresses, written ``sha256:<hex>`` (image-spec descriptor.md, Digests).

They are strings, checked once when they are read.
"""

import hashlib
import re

from laminix.strict_json import Value

PATTERN = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def sha256(data: bytes) -> str:
    """Return the SHA-256 digest of DATA."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_digest(value: Value) -> str:
    """Return the digest in VALUE. Raises LaminixError unless it is a SHA-256 or SHA-512 digest."""
    if not PATTERN.fullmatch(value.text()):
        raise value.error(f"found {value.raw!r}, expected a digest like sha256:<64 hex digits>")
    return value.raw


def new_hash(digest: str):
    """Return a new hash object with the algorithm of DIGEST, for use with ``digest_of``."""
    return hashlib.new(digest.partition(":")[0])


def digest_of(hash_object) -> str:
    """Return the digest of the bytes that HASH_OBJECT has been updated with."""
    return f"{hash_object.name}:{hash_object.hexdigest()}"

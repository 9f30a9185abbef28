"""Digests: content addresses, written ``sha256:<hex>`` (image-spec descriptor.md, Digests).

They travel as strings, checked once at the door where they are read.
"""

import hashlib
import re

from laminix.strict_json import Value

PATTERN = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def sha256(data: bytes) -> str:
    """The digest of DATA."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_digest(value: Value) -> str:
    """The digest in VALUE; raises LaminixError for anything but a registered algorithm's."""
    if not PATTERN.fullmatch(value.text()):
        raise value.error(f"found {value.raw!r}, expected a digest like sha256:<64 hex digits>")
    return value.raw


def new_hash(digest: str):
    """A hash object of DIGEST's algorithm, to be fed and compared by ``digest_of``."""
    return hashlib.new(digest.partition(":")[0])


def digest_of(hash_object) -> str:
    """The digest of all that HASH_OBJECT was fed."""
    return f"{hash_object.name}:{hash_object.hexdigest()}"

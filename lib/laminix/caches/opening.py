"""Open the binary caches and store directories that a user names."""

import os
import urllib.parse

from laminix.caches.cache import BinaryCache, Cache, StoreDirectory
from laminix.caches.files import DirectoryFiles, ServerFiles
from laminix.errors import UsageError
from laminix.registry.connection import Connections, is_loopback

BAD_CACHE = "bad --from"
FORMS = "file://DIR, https://HOST[/PATH], http:// at loopback or a store directory"


def open_cache(text: str, connections: Connections) -> Cache:
    """Return the cache TEXT. Raises UsageError for another notation, LaminixError if there is no cache."""
    if "://" not in text:
        return _store_directory(text)
    try:
        parts = urllib.parse.urlsplit(text)
        host, _ = parts.netloc, parts.port
    except ValueError as error:
        raise UsageError(BAD_CACHE, str(error), text) from None
    if parts.query or parts.fragment or "@" in host:
        raise UsageError(BAD_CACHE, f"found settings or a user in the address, expected {FORMS}", text)
    if parts.scheme == "file" and not host and parts.path:
        return BinaryCache(DirectoryFiles(text, urllib.parse.unquote(parts.path)))
    if parts.scheme == "http" and host and not is_loopback(host):
        raise UsageError(BAD_CACHE, "plain HTTP is for loopback only; write https://", text)
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(BAD_CACHE, f"expected {FORMS}", text)
    return BinaryCache(ServerFiles(text.rstrip("/"), connections))


def _store_directory(path: str) -> StoreDirectory:
    if not os.path.isdir(path):
        raise UsageError(BAD_CACHE, f"no such directory, expected {FORMS}", path)
    if os.path.exists(os.path.join(path, "nix-cache-info")):
        raise UsageError(BAD_CACHE, f"this is a binary cache; write file://{os.path.abspath(path)}", path)
    return StoreDirectory(os.path.abspath(path))

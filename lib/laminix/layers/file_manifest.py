"""Single files of a layer, as a document lists them: text, copies, links, directories, each with mode and owner."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from laminix.errors import LaminixError
from laminix.regular_file import kind_of
from laminix.strict_json import Value
from laminix.write_errors import temporary_write_errors

KINDS = ("text", "source", "link", "directory")
ATTRIBUTES = ("mode", "uid", "gid", "uname", "gname", "capabilities", "xattrs")


class ListedFile(NamedTuple):
    """A path of the layer, what is to be there, and its attributes as a permission rule has them."""

    path: str
    kind: str  # one of KINDS
    content: str  # the text, the path of the file to copy, or the target of the link; empty for a directory
    attributes: dict[str, Any]


def read_manifest(document: Value) -> tuple[ListedFile, ...]:
    """Return the files that an object lists by path. Raises LaminixError for a member that is none."""
    return tuple(_read_file(path, member) for path, member in document.items())


def _read_file(path: str, value: Value) -> ListedFile:
    value.only({*KINDS, *ATTRIBUTES})
    kinds = [kind for kind in KINDS if value.get(kind) is not None]
    if len(kinds) != 1:
        raise value.error(f"found {', '.join(kinds) or 'none'}, expected one of {', '.join(KINDS)}")
    content = value[kinds[0]]
    if kinds == ["directory"]:
        if content.expect(bool) is False:
            raise content.error("found false, expected true")
        text = ""
    else:
        text = content.text()
    if kinds == ["link"] and not text:
        raise content.error("found an empty target")
    attributes = {key: value.raw[key] for key in ATTRIBUTES if value.get(key) is not None}
    if kinds == ["link"] and "mode" in attributes:
        raise value["mode"].error("a link has no mode of its own")
    return ListedFile(path.strip("/"), kinds[0], text, attributes)


def with_rules(files: tuple[ListedFile, ...], document: Value, perms: Value | None) -> Value | None:
    """Return the permission rules for FILES, which stand in DOCUMENT, followed by those of PERMS."""
    rules = [{"path": file.path, **file.attributes} for file in files if file.attributes]
    if not rules:
        return perms
    place = perms or document
    return Value(rules + (perms.expect(list) if perms else []), place.what, place.place)


@contextlib.contextmanager
def on_disk(files: tuple[ListedFile, ...]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield where each of FILES is on disk and its path in the layer; what is not there yet is made until the end.

    Raises LaminixError for a source that is no regular file.
    """
    with tempfile.TemporaryDirectory(prefix="laminix-") as directory:
        with temporary_write_errors():
            paths = [_place(file, os.path.join(directory, str(n))) for n, file in enumerate(files)]
        yield tuple((path, file.path) for path, file in zip(paths, files))


def _place(file: ListedFile, new: str) -> str:
    """Return the path of FILE on disk, made at NEW unless it is a copy."""
    if file.kind == "source":
        return _source(file.content)
    if file.kind == "link":
        os.symlink(file.content, new)
    elif file.kind == "directory":
        os.mkdir(new)
        os.chmod(new, 0o755)
    else:
        with open(new, "wb") as out:
            out.write(file.content.encode("utf-8", "surrogateescape"))
        os.chmod(new, 0o644)
    return new


def _source(path: str) -> str:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise LaminixError("cannot copy", "no such file", path) from None
    if not stat.S_ISREG(mode):
        raise LaminixError("cannot copy", f"found {kind_of(mode)}, expected a file", path)
    return os.path.realpath(path)

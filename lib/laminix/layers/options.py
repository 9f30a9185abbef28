"""The options that all builders of layers share."""

import argparse
import os
from collections.abc import Iterable

from laminix.compression.compressor import NAMES
from laminix.errors import UsageError
from laminix.tar.entries import Owner
from laminix.tar.fields import LARGEST_ID
from laminix.timestamp import read_seconds


def add_entry_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Declare the metadata of all entries on PARSER; return the group, so that more options can join it."""
    group = parser.add_argument_group("metadata")
    add = group.add_argument
    add("--uid", default="0", metavar="N", help="Owner ID of every entry (default 0).")
    add("--gid", default="0", metavar="N", help="Group ID of every entry (default 0).")
    add("--uname", default="", metavar="NAME", help="Owner name of every entry (default none).")
    add("--gname", default="", metavar="NAME", help="Group name of every entry (default none).")
    add(
        "--mtime",
        default="1",
        metavar="TIME",
        help="Modification time of every entry: seconds since the epoch, RFC 3339 or `now` (default 1).",
    )
    return group


def add_blob_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Declare the options for the compression and storage of the blob on PARSER; return the group."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "--compressor",
        default="none",
        metavar="NAME",
        help=f"Compress the layer: {', '.join(NAMES)} or a filter command (default none).",
    )
    group.add_argument(
        "--no-blob",
        action="store_true",
        help="Do not keep the tarball. Store its digest and a recipe to rebuild it.",
    )
    return group


def read_entry_options(options: argparse.Namespace) -> tuple[Owner, int]:
    """Return owner and mtime (seconds since the epoch) of all entries.

    Raises UsageError for IDs and times that a tar cannot hold.
    """
    owner = Owner(
        _id("--uid", options.uid),
        _id("--gid", options.gid),
        _name("--uname", options.uname),
        _name("--gname", options.gname),
    )
    mtime = read_seconds(options.mtime, os.environ)
    if mtime < 0:
        raise UsageError("bad --mtime", f"found {options.mtime}, expected a time in 1970 or later")
    return owner, mtime


def _id(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > LARGEST_ID:
        raise UsageError(f"bad {option}", f"found {text!r}, expected a number from 0 to {LARGEST_ID}")
    return int(text)


def _name(option: str, text: str) -> bytes:
    if "\0" in text or "\n" in text:
        raise UsageError(f"bad {option}", f"found {text!r}, expected a name without line breaks or zero bytes")
    return os.fsencode(text)


def read_copies(given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return source and destination of each ``PATH[:DEST]`` (default /)."""
    return tuple(_copy(text) for text in given)


def _copy(text: str) -> tuple[str, str]:
    for separator in (":/", ":"):
        source, found, destination = text.rpartition(separator)
        # A path may contain a colon; one before a slash is a separator all the same.
        if found and source and (separator == ":/" or not os.path.lexists(text)):
            return source, f"/{destination}"
    return text, "/"

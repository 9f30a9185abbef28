"""The options that say how a layer's tar looks and what becomes of it, for all builders that make layers."""

import argparse
import os
from collections.abc import Iterable

from laminix.compression.compressor import NAMES
from laminix.tar.entries import Owner
from laminix.errors import LaminixError
from laminix.layers.permission_rules import LARGEST_ID
from laminix.timestamp import read_seconds


def add_tar_options(parser: argparse.ArgumentParser) -> None:
    """Declare them on PARSER."""
    add = parser.add_argument
    add("--uid", default="0", metavar="N", help="who owns all entries, by number (default 0)")
    add("--gid", default="0", metavar="N", help="the group that does (default 0)")
    add("--uname", default="", metavar="S", help="the owner's name, beside the number (default none)")
    add("--gname", default="", metavar="S", help="the group's name")
    add("--mtime", default="1", metavar="T", help="time of all entries: RFC 3339, seconds or now (default 1)")
    compressors = ", ".join(NAMES)
    add("--compressor", default="none", metavar="C", help=f"{compressors} or a command that filters (default none)")
    add("--no-blob", action="store_true", help="keep no tar: digests, and a recipe that makes it again")


def tar_options(options: argparse.Namespace) -> tuple[Owner, int]:
    """Owner and mtime (seconds since the epoch) of all entries, as OPTIONS say.

    Raises LaminixError for ids and times that a tar cannot hold.
    """
    owner = Owner(
        _id("--uid", options.uid),
        _id("--gid", options.gid),
        _name("--uname", options.uname),
        _name("--gname", options.gname),
    )
    mtime = read_seconds(options.mtime, os.environ)
    if mtime < 0:
        raise LaminixError("bad --mtime", f"found {options.mtime}, which is before 1970")
    return owner, mtime


def _id(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > LARGEST_ID:
        raise LaminixError(f"bad {option}", f"found {text!r}, expected a number from 0 to {LARGEST_ID}")
    return int(text)


def _name(option: str, text: str) -> bytes:
    if "\0" in text or "\n" in text:
        raise LaminixError(f"bad {option}", f"found {text!r}, which has a line break or a zero byte in it")
    return os.fsencode(text)


def read_copies(given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return directory and destination of each ``DIR[:DEST]``. DEST starts with a slash (default /)."""
    return tuple(_copy(text) for text in given)


def _copy(text: str) -> tuple[str, str]:
    directory, colon, destination = text.rpartition(":/")
    return (directory, f"/{destination}") if colon and directory else (text, "/")

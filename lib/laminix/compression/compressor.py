"""Compressors of blobs: gzip is built in, all others are programs."""

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laminix.errors import LaminixError, UsageError

NAMES = ("none", "gzip", "zstd")
OTHER_NAMES = {"gz": "gzip"}  # dockerTools' name for it
# The first bytes of the compressed formats that a layer may have.
MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


@dataclass(frozen=True)
class Compressor:
    """A compressor that makes a blob of a tar."""

    name: str  # none, gzip, zstd or a command line
    command: tuple[str, ...] = ()  # program and arguments; empty for none and gzip
    version: str | None = None  # version of the library or program, which determines the bytes; None if unknown


def find_compressor(name: str, threads: int) -> Compressor:
    """Return the compressor NAME: none, gzip, zstd or the command line of a filter.

    ``gz`` is another name of gzip. A filter reads standard input and writes standard output. Raises LaminixError if
    zstd is not on $PATH, and UsageError if NAME is no such name or command line.
    """
    name = OTHER_NAMES.get(name, name)
    if name == "none":
        return Compressor(name)
    if name == "gzip":
        return Compressor(name, version=zlib.ZLIB_RUNTIME_VERSION)
    words = zstd_command(threads) if name == "zstd" else _split(name)
    from shutil import which  # takes 2 ms, and most layers need no program

    program = which(words[0])
    if program is None and name == "zstd":
        raise LaminixError("cannot compress with zstd", "found no such program on $PATH; install zstd")
    if program is None:
        raise UsageError("unknown compressor", f"expected {', '.join(NAMES)} or a command on $PATH", words[0])
    command = (program, *words[1:])
    return Compressor(name, command, _version(program) if name == "zstd" else None)


def zstd_command(threads: int) -> list[str]:
    """Return the command for zstd. It gives the same bytes for any number of threads, but not with --single-thread."""
    return ["zstd", "-q", "-c", f"-T{threads}"]


def _split(command: str) -> list[str]:
    import shlex  # takes 0.5 ms, and most layers need no command

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError("bad compressor", f"found {command!r}, expected a command line: {error}") from None
    if not words:
        raise UsageError("bad compressor", f"found an empty command, expected {', '.join(NAMES)} or a command")
    return words


def _version(program: str) -> str:
    """Return the output of ``PROGRAM --version``."""
    import subprocess  # takes 10 ms, and most layers need no program

    done = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        raise LaminixError("bad compressor", f"--version failed with exit status {done.returncode}", program)
    return done.stdout.decode("utf-8", "backslashreplace").strip()


def compress(compressor: Compressor, tar: Iterable[bytes], threads: int) -> Iterator[bytes]:
    """Yield the blob of TAR in chunks."""
    if compressor.name == "none":
        return iter(tar)
    if compressor.name == "gzip":
        from laminix.compression.gzip_stream import gzip_stream  # its thread pool takes 10 ms to import

        return gzip_stream(tar, threads)
    from laminix.compression.filter_program import through_program

    return through_program(compressor.command, tar)


def available_cores() -> int:
    """Return how many cores this process may use: $NIX_BUILD_CORES unless unset or 0, else all the system allows."""
    wanted = os.environ.get("NIX_BUILD_CORES", "")
    if wanted.isdecimal() and len(wanted) < 10 and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):  # Linux only
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

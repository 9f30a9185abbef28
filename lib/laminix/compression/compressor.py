"""Compressors of blobs: zlib here, every other as a program."""

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laminix.errors import LaminixError

NAMES = ("none", "gzip", "zstd")
# How the compressions that a layer may have begin.
MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


@dataclass(frozen=True)
class Compressor:
    """How a tar becomes a blob."""

    name: str  # none, gzip, zstd, or the COMMAND as it was given
    command: tuple[str, ...] = ()  # the program, where one does it
    version: str | None = None  # of what decides the bytes


def find_compressor(name: str, threads: int) -> Compressor:
    """The compressor of that name, or the COMMAND, which reads standard input and writes standard output.

    Raises LaminixError where its program is not on $PATH.
    """
    if name == "none":
        return Compressor(name)
    if name == "gzip":
        return Compressor(name, version=zlib.ZLIB_RUNTIME_VERSION)
    words = zstd_command(threads) if name == "zstd" else _split(name)
    from shutil import which  # 2 ms, and most layers need no program

    program = which(words[0])
    if program is None:
        raise LaminixError("no such compressor", f"found neither {', '.join(NAMES)} nor a program", words[0])
    command = (program, *words[1:])
    return Compressor(name, command, _version(program) if name == "zstd" else None)


def zstd_command(threads: int) -> list[str]:
    """zstd, the same bytes for any number of threads (unlike --single-thread)."""
    return ["zstd", "-q", "-c", f"-T{threads}"]


def _split(command: str) -> list[str]:
    import shlex  # 0.5 ms, and most layers need no command

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise LaminixError("bad compressor", f"{command!r} is no command: {error}") from None
    if not words:
        raise LaminixError("bad compressor", "the command is empty")
    return words


def _version(program: str) -> str:
    """What the program says of its version."""
    import subprocess  # costs 10 ms, and most layers need no program

    done = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        raise LaminixError("bad compressor", f"it cannot tell its version: exit status {done.returncode}", program)
    return done.stdout.decode("utf-8", "backslashreplace").strip()


def compress(compressor: Compressor, tar: Iterable[bytes], threads: int) -> Iterator[bytes]:
    """The blob of TAR, in chunks."""
    if compressor.name == "none":
        return iter(tar)
    if compressor.name == "gzip":
        from laminix.compression.gzip_stream import gzip_stream  # its thread pool costs 10 ms to import

        return gzip_stream(tar, threads)
    from laminix.compression.filter_program import through_program

    return through_program(compressor.command, tar)


def available_cores() -> int:
    """How many cores this process may use: $NIX_BUILD_CORES (0 is all), else what the system grants."""
    wanted = os.environ.get("NIX_BUILD_CORES", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):  # Linux only
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

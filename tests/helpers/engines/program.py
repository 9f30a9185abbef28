"""Programs run to their end."""

import os
import subprocess
from typing import IO, NamedTuple


class Ran(NamedTuple):
    """What became of a program or a container."""

    status: int
    out: str
    err: str


class EngineError(Exception):
    """An engine refused what it was asked; the message has its own words."""


def run(*argv: str, env: dict[str, str] | None = None, stdin: IO[bytes] | None = None) -> Ran:
    """The end of ARGV, however it ended, in an environment that has ENV on top of ours."""
    done = subprocess.run(
        argv,
        stdin=stdin or subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=300,
    )
    return Ran(done.returncode, _text(done.stdout), _text(done.stderr))


def output(*argv: str, env: dict[str, str] | None = None, stdin: IO[bytes] | None = None) -> str:
    """What ARGV prints; raises EngineError where it fails."""
    ran = run(*argv, env=env, stdin=stdin)
    if ran.status:
        raise EngineError(f"{' '.join(argv)}: status {ran.status}: {ran.err or ran.out}")
    return ran.out


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")

"""The error line of a builder."""

import subprocess


def error_line(ended: subprocess.CompletedProcess, builder: str, status: int = 1) -> str:
    """Check that BUILDER ended with STATUS and printed a single error line, and return the line without its prefix."""
    assert (ended.returncode, ended.stdout) == (status, "")
    prefix = f"{builder}: error: "
    assert ended.stderr.startswith(prefix) and ended.stderr.endswith("\n")
    line = ended.stderr[len(prefix) : -1]
    assert line.isprintable()
    return line

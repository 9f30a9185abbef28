"""Files read whole, and nothing else opened: a FIFO could block for ever, a device give no end."""

import os

from laminix.errors import LaminixError

# Descriptors that whoever called us has opened, such as a shell's <(…).
INHERITED = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def read_regular_file(path: str | bytes) -> bytes:
    """The content of the file at PATH; raises LaminixError where it is no regular file."""
    inherited = os.fsdecode(path).startswith(INHERITED)
    if os.path.exists(path) and not os.path.isfile(path) and not inherited:
        raise LaminixError("cannot read", "not a regular file", path)
    with open(path, "rb") as file:
        return file.read()

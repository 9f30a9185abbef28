"""A server of a binary cache's files, which notes what it is asked."""

import contextlib
from pathlib import Path

from registry_faults import Answer, Asked, Server, scripted


def serving(directory: Path) -> contextlib.AbstractContextManager[Server]:
    """A server of the files in DIRECTORY, with ranges."""

    def answer(asked: Asked) -> Answer:
        path = directory / asked.path.lstrip("/")
        if not path.is_file():
            return Answer(404, b"<html>")
        wanted = asked.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        return Answer(206 if wanted else 200, path.read_bytes()[start:])

    return scripted(answer)

"""What the READMEs say to type."""

import re
from collections.abc import Iterator
from pathlib import Path

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\S+\.\w+)\n")


def scripts(page: Path) -> Iterator[str]:
    """What PAGE says to type, block by block, for a shell."""
    files = ""
    for language, text in blocks(page):
        if language == "sh":
            yield files + text
        files = "" if language == "sh" else files + writing(text)


def writing(text: str) -> str:
    """The command that writes TEXT to the file that it names in its first line; none where it names none."""
    name = FILE_NAME.match(text)
    return f"cat >{name[1]} <<'END'\n{text}END\n" if name else ""


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of PAGE, each with the language that it says it is in."""
    return BLOCK.findall(page.read_text())

"""The parser with which a builder declares its options, once, for both ways to run it."""

import argparse

from laminix import strict_json
from laminix.errors import one_line
from laminix.regular_file import read_regular_file


class _FixedWidth(argparse.RawDescriptionHelpFormatter):
    """A formatter for checking options as they are declared. Asking the terminal for its width would take 2 ms."""

    def __init__(self, prog: str):
        super().__init__(prog, width=80)


class Parser(argparse.ArgumentParser):
    """An argument parser whose help keeps line breaks and whose options cannot be abbreviated."""

    def __init__(self, prog: str, description: str, example: str):
        super().__init__(
            prog=prog,
            description=description,
            epilog=f"example:\n{example}",
            formatter_class=_FixedWidth,
            allow_abbrev=False,
            add_help=False,
        )
        self.add_argument("-h", "--help", action="help", help="Show this help and exit.")

    def format_help(self) -> str:
        """Return the help text, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def error(self, message: str):
        """Exit with status 2 and one line on standard error."""
        self.exit(2, f"{self.prog}: error: bad usage: {one_line(message)} (see {self.prog} --help)\n")


def json_file(path: str) -> strict_json.Value:
    """Return the JSON document in the file at PATH: the type of a FILE option."""
    return strict_json.loads(read_regular_file(path), "bad JSON file", path)

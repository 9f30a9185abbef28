"""The parser with which a builder declares its options, once, for both ways to run it."""

import argparse
from collections.abc import Sequence

from laminix import __version__, strict_json
from laminix.errors import one_line
from laminix.regular_file import read_regular_file
from laminix.suggestion import did_you_mean


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
        version = f"{prog} (laminix) {__version__}"
        self.add_argument("--version", action="version", version=version, help="Show the version and exit.")

    def format_help(self) -> str:
        """Return the help text, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None):
        """Parse ARGS. An unknown option is reported before a missing one, with a suggestion."""
        for word in _possible_options(args or (), self._actions):
            name = word.partition("=")[0]
            if name not in self._option_string_actions:
                near = did_you_mean(name, (option for option in self._option_string_actions if option[:2] == "--"))
                self.error(f"unknown option {name}{near}")
        return super().parse_known_args(args, namespace)

    def error(self, message: str):
        """Exit with status 2 and one line on standard error."""
        self.exit(2, f"{self.prog}: error: bad usage: {one_line(message)} (see {self.prog} --help)\n")


def _possible_options(args: Sequence[str], actions: Sequence[argparse.Action]) -> list[str]:
    """Return the words of ARGS that argparse takes for long options of this command."""
    has_command = any(action.nargs in (argparse.REMAINDER, argparse.PARSER) for action in actions)
    words: list[str] = []
    for word in args:
        # What follows -- or belongs to a command is not for this parser.
        if word == "--" or has_command and word[:1] != "-":
            break
        if word[:2] == "--" and " " not in word:
            words.append(word)
    return words


def json_file(path: str) -> strict_json.Value:
    """Return the JSON document in the file at PATH: the type of a FILE option."""
    return strict_json.loads(read_regular_file(path), "bad JSON file", path)

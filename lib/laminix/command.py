"""How a builder runs: options in, one result out, one line for an error.

A builder declares its options once, as an argument parser.  From a shell they are what follows the
command's name.  As a derivation's builder under structured attributes, with nothing on the command
line, they are the attribute ``request`` in $NIX_ATTRS_JSON_FILE: the same names without the dashes
(a positional by its name in the usage line), repeats as lists, FILE options as their values or, for what
another derivation wrote, as the path of the file.
``exportReferencesGraph`` puts closures beside the request, under the option's name; ``path`` beside it
lists directories of programs; the place to write to is ``outputs.out``.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence

from laminix import strict_json
from laminix.errors import LaminixError, one_line, shown
from laminix.output import new_file
from laminix.regular_file import read_regular_file


PATIENCE = 20  # seconds that cleaning up may take


class _Unmeasured(argparse.RawDescriptionHelpFormatter):
    """What checks each option as it is declared; to ask for the terminal's width would cost it 2 ms."""

    def __init__(self, prog: str):
        super().__init__(prog, width=80)


class Parser(argparse.ArgumentParser):
    """An argument parser whose help keeps the line breaks of its texts and takes no abbreviations."""

    def __init__(self, prog: str, description: str, example: str):
        super().__init__(
            prog=prog,
            description=description,
            epilog=f"example:\n{example}",
            formatter_class=_Unmeasured,
            allow_abbrev=False,
        )

    def format_help(self) -> str:
        """The help text, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def error(self, message: str):
        """Exit with 2 and one line, as every other error is one line."""
        self.exit(2, f"{self.prog}: error: bad usage: {one_line(message)} (see {self.prog} --help)\n")


def json_file(path: str) -> strict_json.Value:
    """The type of a FILE option: the JSON document in it."""
    return strict_json.loads(read_regular_file(path), "bad JSON file", path)


def run(parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace], str | None]) -> int:
    """Read the options, call MAIN, print what it returns (under Nix: write it to the output).

    Returns the exit status: 0 done, 1 faulty input, told in one line on standard error, or where MAIN
    raises a group of errors, in one line each.  Wrong usage leaves with 2 from the parser.
    """
    _clean_up_when_told_to_end()
    try:
        options = read_options(parser, sys.argv[1:], os.environ)
        text = main(options)
        if text is not None:
            _deliver(text, getattr(options, "nix_output", None))
        return 0
    except LaminixError as error:
        return _fail(parser.prog, str(error))
    except ExceptionGroup as group:
        return max(_fail(parser.prog, str(error)) for error in group.exceptions)
    except BrokenPipeError:
        _forget_output()  # whoever reads it has seen enough
        return 1
    except OSError as error:
        _forget_output()
        return _fail(parser.prog, one_line(_os_error(error)))
    except KeyboardInterrupt:
        return _fail(parser.prog, "interrupted")


def _clean_up_when_told_to_end() -> None:
    """Let what is half done be taken away first, whichever signal says that enough is enough."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup(1) leaves it
            signal.signal(number, _end)


def _end(number: int, _) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would stop the cleaning up
    signal.alarm(PATIENCE)  # the first may have come between a thread and its lock, for which it waits now
    raise KeyboardInterrupt


def _forget_output() -> None:
    """Keep the interpreter from trying once more at exit to write what could not be written."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(prog: str, message: str) -> int:
    if sys.stderr is not None:  # closed: print() would take standard output in its place
        print(f"{prog}: error: {message}", file=sys.stderr)
    return 1


def _os_error(error: OSError) -> str:
    place = "" if error.filename is None else f" ({shown(error.filename)})"
    return f"the system refuses: {error.strerror or error}{place}"


def _deliver(text: str, output: str | None) -> None:
    data = text.encode("utf-8", "surrogateescape")
    if output is None:
        write_standard_output([data])
        return
    with new_file(output) as file:
        file.write(data)


def write_standard_output(pieces: Iterable[bytes]) -> None:
    """Write PIECES to standard output; raises LaminixError where that is closed."""
    if sys.stdout is None:
        raise LaminixError("cannot write the output", "standard output is closed")
    sys.stdout.buffer.writelines(pieces)
    sys.stdout.flush()


def read_options(
    parser: argparse.ArgumentParser, argv: Sequence[str], environment: dict[str, str]
) -> argparse.Namespace:
    """The options, from ARGV if there is any, else from Nix's attributes file if there is one."""
    attributes_file = environment.get("NIX_ATTRS_JSON_FILE")
    if argv or attributes_file is None:
        return parser.parse_args(argv)
    attributes = strict_json.loads(read_regular_file(attributes_file), "bad attributes", attributes_file)
    path = attributes.get("path")
    if path is not None:
        environment["PATH"] = ":".join(_word(directory) for directory in path)
    return _from_attributes(parser, attributes)


def _from_attributes(parser: argparse.ArgumentParser, attributes: strict_json.Value) -> argparse.Namespace:
    request = dict(attributes["request"].items())
    output = _word(attributes["outputs"]["out"])
    actions = {_key(action): action for action in parser._actions}
    for name, action in actions.items():
        beside = attributes.get(name) if action.type is json_file else None
        if beside is not None and name in request and request[name].raw is not None:
            raise beside.error(f"the request has {name!r} too; one of the two is enough")
        if beside is not None:
            request[name] = beside
    arguments, positionals, documents = [], [], {}
    for name, value in request.items():
        if name not in actions:
            raise value.error(f"unknown option; {parser.prog} has {', '.join(sorted(actions))}")
        action = actions[name]
        if value.raw is None:
            continue
        if action.type is json_file:
            documents[action.dest] = json_file(_word(value)) if isinstance(value.raw, str) else value
            action.required = False  # it is there, though not among the arguments
        elif action.option_strings:
            arguments += _option_words(action, value)
        else:
            positionals.append(_word(value))
    if "out" in actions:
        arguments.append(f"--out={output}")
    if positionals:
        arguments += ["--", *positionals]
    options = parser.parse_args(arguments)
    for dest, value in documents.items():
        setattr(options, dest, value)
    options.nix_output = output
    return options


def _key(action: argparse.Action) -> str:
    """An option's name in a request: without dashes; a positional's as the usage line writes it."""
    return action.option_strings[-1].removeprefix("--") if action.option_strings else action.metavar


def _option_words(action: argparse.Action, value: strict_json.Value) -> list[str]:
    """The words that say on a command line what VALUE says in a request."""
    if action.nargs == 0:
        return [action.option_strings[-1]] if value.expect(bool) else []
    repeated = isinstance(action, argparse._AppendAction)
    words = [_word(element) for element in value] if repeated else [_word(value)]
    return [f"{action.option_strings[-1]}={word}" for word in words]


def _word(value: strict_json.Value) -> str:
    if isinstance(value.expect(str, int), int):
        return str(value.raw)
    if "\0" in value.text():
        raise value.error("has a zero byte in it, which no option can have")
    return value.raw

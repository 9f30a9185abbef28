"""A builder's options when it runs as a derivation's builder, under structured attributes.

Nix then sets $NIX_ATTRS_JSON_FILE, and the command line is empty. The attribute ``request`` of that file holds the
options: their names without dashes (a positional argument by its name in the usage line), repeated options and
positional arguments as lists, FILE options as the value itself or as the path of a file that another derivation
wrote. ``exportReferencesGraph`` puts closures beside the request, under the option's name. ``path`` lists directories
of programs, and ``outputs.out`` is the path of the output.
"""

import argparse
from collections.abc import Sequence

from laminix import strict_json
from laminix.command.parser import json_file
from laminix.regular_file import read_regular_file


def read_options(
    parser: argparse.ArgumentParser, argv: Sequence[str], environment: dict[str, str]
) -> argparse.Namespace:
    """Return the options: from ARGV if it has any, else from Nix's attributes file if there is one.

    Puts ``path`` of the attributes file into $PATH of ENVIRONMENT. Raises LaminixError for a request that does not
    fit the parser's options.
    """
    attributes_file = environment.get("NIX_ATTRS_JSON_FILE")
    if argv or attributes_file is None:
        return parser.parse_args(argv)
    attributes = _named(strict_json.loads(read_regular_file(attributes_file), "bad attributes", attributes_file))
    path = attributes.get("path")
    if path is not None:
        environment["PATH"] = ":".join(_argument(directory) for directory in path)
    return _from_attributes(parser, attributes)


def _named(attributes: strict_json.Value) -> strict_json.Value:
    """Return ATTRIBUTES so that errors name the derivation: its file has the same path for all of them."""
    name = attributes.get("name")
    if name is None:
        return attributes
    return strict_json.Value(attributes.raw, attributes.what, f"derivation {name.text()}")


def _from_attributes(parser: argparse.ArgumentParser, attributes: strict_json.Value) -> argparse.Namespace:
    request = dict(attributes["request"].items())
    output = _argument(attributes["outputs"]["out"])
    # A request for help would succeed without writing the output.
    declared = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    actions = {_key(action): action for action in declared}
    for name, action in actions.items():
        beside = attributes.get(name) if action.type is json_file else None
        if beside is not None and name in request and request[name].raw is not None:
            raise beside.error(f"found {name!r} in the request too; set only one of them")
        if beside is not None:
            request[name] = beside
    arguments, positionals, documents = [], {}, {}
    for name, value in request.items():
        if name not in actions:
            raise value.error(f"unknown option, expected one of {', '.join(sorted(actions))}")
        action = actions[name]
        if value.raw is None:
            continue
        if action.type is json_file:
            documents[action.dest] = json_file(_argument(value)) if isinstance(value.raw, str) else value
            action.required = False  # it is set below, not parsed
        elif action.option_strings:
            arguments += _option_arguments(action, value)
        else:
            positionals[name] = (
                [_argument(each) for each in value] if action.nargs in ("*", "+") else [_argument(value)]
            )
    if "out" in actions:
        arguments.append(f"--out={output}")
    if positionals:
        # Nix sorts the request by name; the parser expects its own order.
        arguments += ["--", *(text for name in actions for text in positionals.get(name, ()))]
    options = parser.parse_args(arguments)
    for dest, value in documents.items():
        setattr(options, dest, value)
    options.nix_output = output
    return options


def _key(action: argparse.Action) -> str:
    """Return the name of an option in a request: without dashes, or a positional argument's name in the usage line."""
    return action.option_strings[-1].removeprefix("--") if action.option_strings else action.metavar


def _option_arguments(action: argparse.Action, value: strict_json.Value) -> list[str]:
    """Return the command-line arguments for an option whose value in the request is VALUE."""
    if action.nargs == 0:
        return [action.option_strings[-1]] if value.expect(bool) else []
    repeated = isinstance(action, argparse._AppendAction)
    texts = [_argument(element) for element in value] if repeated else [_argument(value)]
    return [f"{action.option_strings[-1]}={text}" for text in texts]


def _argument(value: strict_json.Value) -> str:
    """Return the string or whole number in VALUE as a command-line argument."""
    if isinstance(value.expect(str, int), int):
        return str(value.raw)
    if "\0" in value.text():
        raise value.error("found a zero byte, which no option can contain")
    return value.raw

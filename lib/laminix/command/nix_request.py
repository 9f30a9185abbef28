"""A builder's options when it runs as a derivation's builder, under structured attributes.

Nix then sets $NIX_ATTRS_JSON_FILE, and the command line is empty. The attribute ``request`` of that file holds the
options: their names without dashes (a positional argument by its name in the usage line), repeated options and
positional arguments as lists, FILE options as the value itself or as the path of a file that another derivation wrote. ``exportReferencesGraph``
puts closures beside the request, under the option's name. ``path`` lists directories of programs, and
``outputs.out`` is where to write.
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
    attributes = strict_json.loads(read_regular_file(attributes_file), "bad attributes", attributes_file)
    path = attributes.get("path")
    if path is not None:
        environment["PATH"] = ":".join(_word(directory) for directory in path)
    return _from_attributes(parser, attributes)


def _from_attributes(parser: argparse.ArgumentParser, attributes: strict_json.Value) -> argparse.Namespace:
    request = dict(attributes["request"].items())
    output = _word(attributes["outputs"]["out"])
    # Help would be no output, and yet a success.
    declared = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    actions = {_key(action): action for action in declared}
    for name, action in actions.items():
        beside = attributes.get(name) if action.type is json_file else None
        if beside is not None and name in request and request[name].raw is not None:
            raise beside.error(f"the request has {name!r} too; give one of the two")
        if beside is not None:
            request[name] = beside
    arguments, positionals, documents = [], {}, {}
    for name, value in request.items():
        if name not in actions:
            raise value.error(f"unknown option; {parser.prog} has {', '.join(sorted(actions))}")
        action = actions[name]
        if value.raw is None:
            continue
        if action.type is json_file:
            documents[action.dest] = json_file(_word(value)) if isinstance(value.raw, str) else value
            action.required = False  # it is set below, not parsed
        elif action.option_strings:
            arguments += _option_words(action, value)
        else:
            positionals[name] = [_word(word) for word in value] if action.nargs == "*" else [_word(value)]
    if "out" in actions:
        arguments.append(f"--out={output}")
    if positionals:
        # Nix sorts the request by name; the parser expects its own order.
        arguments += ["--", *(word for name in actions for word in positionals.get(name, ()))]
    options = parser.parse_args(arguments)
    for dest, value in documents.items():
        setattr(options, dest, value)
    options.nix_output = output
    return options


def _key(action: argparse.Action) -> str:
    """Return the name of an option in a request: without dashes; a positional's as in the usage line."""
    return action.option_strings[-1].removeprefix("--") if action.option_strings else action.metavar


def _option_words(action: argparse.Action, value: strict_json.Value) -> list[str]:
    """Return the command-line words for an option whose value in the request is VALUE."""
    if action.nargs == 0:
        return [action.option_strings[-1]] if value.expect(bool) else []
    repeated = isinstance(action, argparse._AppendAction)
    words = [_word(element) for element in value] if repeated else [_word(value)]
    return [f"{action.option_strings[-1]}={word}" for word in words]


def _word(value: strict_json.Value) -> str:
    if isinstance(value.expect(str, int), int):
        return str(value.raw)
    if "\0" in value.text():
        raise value.error("found a zero byte, which no option can contain")
    return value.raw

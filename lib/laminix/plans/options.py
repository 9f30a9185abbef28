"""Options shared by plan-layers and explain-plan."""

import argparse
from collections.abc import Sequence

from laminix.command import Parser, json_file
from laminix.plans.graph import Graph
from laminix.plans.weights import rate_weights, root_weights, uniform_weights
from laminix.strict_json import Value

SCHEMES = {"uniform": uniform_weights, "roots": root_weights}
HELP = (
    "Relative update frequency of packages: `uniform`; `roots` (top-level packages together weigh as much as all "
    'others); or a JSON file of name and weight, such as {"my-app": 30} (weight 1 if absent). Default uniform.'
)


def add_weights_option(parser: Parser) -> None:
    """Declare --weights on PARSER."""
    parser.add_argument("--weights", type=_weights, default="uniform", metavar="uniform|roots|FILE", help=HELP)


def read_weights(weights: str | Value, graph: Graph) -> Sequence[int]:
    """Return the weight of each package of GRAPH for WEIGHTS, the value of --weights."""
    return SCHEMES[weights](graph) if isinstance(weights, str) else rate_weights(graph, weights)


def _weights(text: str) -> str | Value:
    return text if text in SCHEMES else json_file(text)


def layer_count(text: str) -> int:
    """Return the number of layers in TEXT. Raises ArgumentTypeError unless it is a whole number above 0."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number of layers, one or more")
    return int(text)

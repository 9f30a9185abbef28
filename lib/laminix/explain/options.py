"""Values of options of explain-image."""

import argparse


def count(text: str) -> int:
    """The whole number in TEXT, zero or more."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number, zero or more")
    return int(text)


def layer_number(text: str) -> int | str:
    """The number of a layer in TEXT, or ``all``."""
    if text == "all":
        return text
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected the number of a layer; IMAGE goes before --files")
    return int(text)

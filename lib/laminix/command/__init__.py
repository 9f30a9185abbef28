"""What every builder shares: its options, its run from a shell or as a derivation's builder, its exit status."""

from laminix.command import early_interrupt  # first, and for its effect
from laminix.command.output_directory import add_force, add_output_directory, output_directory
from laminix.command.parser import Parser, json_file
from laminix.command.runner import refuse_terminal, run, write_standard_output

__all__ = [
    "Parser",
    "add_force",
    "add_output_directory",
    "early_interrupt",
    "json_file",
    "output_directory",
    "refuse_terminal",
    "run",
    "write_standard_output",
]

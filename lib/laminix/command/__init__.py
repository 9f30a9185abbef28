"""What every builder shares: its options, its run from a shell or as a derivation's builder, its exit status."""

from laminix.command.parser import Parser, json_file
from laminix.command.runner import refuse_terminal, run, write_standard_output

__all__ = ["Parser", "json_file", "refuse_terminal", "run", "write_standard_output"]

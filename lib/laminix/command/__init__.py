"""What every builder shares: its options, its run from a shell or as a derivation's builder, its exit status."""

from laminix.command.parser import Parser, json_file
from laminix.command.runner import run, write_standard_output

__all__ = ["Parser", "json_file", "run", "write_standard_output"]

"""The tables of system calls agree with the kernel's headers, where this machine has them."""

import re
from pathlib import Path

import pytest

from laminix.root_step.system_calls import NUMBERS

HEADERS = {
    0: Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    1: Path("/usr/include/asm-generic/unistd.h"),  # aarch64's
}
DEFINITION = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", re.MULTILINE)
NAMES = {"newfstatat": "fstatat"}  # in the generic header, where it is not the machine's own name
NEW = {"getxattrat", "listxattrat", "removexattrat", "setxattrat"}  # Linux 6.13: headers may be older


@pytest.mark.parametrize("column", HEADERS, ids=["x86_64", "aarch64"])
def test_the_numbers_are_the_kernels(column):
    if not HEADERS[column].exists():
        pytest.skip(f"no {HEADERS[column]}: install linux-libc-dev")
    defined: dict[str, int] = {}
    for name, number in DEFINITION.findall(HEADERS[column].read_text()):
        defined.setdefault(name, int(number))
    expected = {name: defined.get(name, defined.get(NAMES.get(name, ""))) for name in NUMBERS}
    found = {name: numbers[column] for name, numbers in NUMBERS.items()}
    assert {name: found[name] for name in found.keys() - NEW} == {
        name: expected[name] for name in expected.keys() - NEW
    }

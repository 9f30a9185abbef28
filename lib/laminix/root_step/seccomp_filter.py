"""The seccomp filter: which system calls of a traced program come to the tracer.

Of several filters' answers the kernel takes the strictest.  TRAP is stricter than ERRNO, so a call that the
Nix sandbox's own filter would refuse still reaches the tracer (seccomp(2), "SECCOMP_RET_...").  TRACE is
weaker than ERRNO: it serves for calls that no sandbox refuses.
"""

import ctypes
import errno
import struct
from collections.abc import Iterable
from typing import NamedTuple

from laminix.root_step import linux
from laminix.root_step.system_calls import Machine

KILL, TRAP, ERRNO, TRACE, ALLOW = 0x80000000, 0x30000, 0x50000, 0x7FF00000, 0x7FFF0000
SECCOMP_MODE_FILTER = 2

# Classic BPF (linux/bpf_common.h).
LOAD, IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Offsets in struct seccomp_data; of an argument the lower half.
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


class Condition(NamedTuple):
    """A test of one argument's lower 32 bits."""

    argument: int
    test: int  # IF_EQUAL or IF_ANY_BIT
    value: int


class Rule(NamedTuple):
    """What becomes of a call."""

    name: str
    answer: int  # one of the actions above, with its data
    condition: Condition | None = None


NO_SUCH_CALL = ERRNO | errno.ENOSYS


def filter_program(rules: Iterable[Rule], machine: Machine) -> list[Instruction]:
    """The program of RULES: for each call the first rule that fits, else ALLOW.

    Calls of another architecture kill the process, as they have other numbers; x32's do not exist.
    """
    program = [
        (LOAD, 0, 0, ARCHITECTURE),
        (IF_EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    if machine.x32_bit is not None:
        program += [(IF_AT_LEAST, 0, 1, machine.x32_bit), (RETURN, 0, 0, NO_SUCH_CALL)]
    for rule in rules:
        if rule.name in machine.numbers:
            program += _instructions(rule, machine.numbers[rule.name])
    return [*program, (RETURN, 0, 0, ALLOW)]


def _instructions(rule: Rule, number: int) -> list[Instruction]:
    if rule.condition is None:
        return [(IF_EQUAL, 0, 1, number), (RETURN, 0, 0, rule.answer)]
    argument, test, value = rule.condition
    return [
        (IF_EQUAL, 0, 4, number),
        (LOAD, 0, 0, ARGUMENTS + 8 * argument),
        (test, 0, 1, value),
        (RETURN, 0, 0, rule.answer),
        (LOAD, 0, 0, NUMBER),
    ]


def install(program: list[Instruction]) -> None:
    """Put the filter on this process and all that it starts from now on; raises OSError where it is refused."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    head = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(head))

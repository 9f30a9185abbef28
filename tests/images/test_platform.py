"""Platforms: their names, and which are one."""

import pytest

from laminix.errors import LaminixError
from laminix.images.platform import Platform, machine_platform, parse_platform


@pytest.mark.parametrize("text", ("linux/amd64", "linux/arm/v7", "windows/amd64"))
def test_reads_what_it_writes(text):
    assert str(parse_platform(text)) == text


@pytest.mark.parametrize(
    "text, why",
    [
        ("amd64", "expected OS/ARCH"),
        ("linux/", "expected OS/ARCH"),
        ("linux/arm/v7/x", "expected OS/ARCH"),
        ("linux/x86_64", "such as amd64"),
        ("linux/aarch64", "such as arm64"),
        ("linux/toaster", "unknown architecture 'toaster'"),
        ("Linux/amd64", "unknown operating system 'Linux'"),
        ("linux/arm/V7", "invalid variant 'V7'"),
    ],
)
def test_refuses_what_go_does_not_know(text, why):
    with pytest.raises(LaminixError, match=why):
        parse_platform(text)


@pytest.mark.parametrize(
    "one, other, same",
    [
        (Platform("linux", "arm64"), Platform("linux", "arm64", "v8"), True),
        (Platform("linux", "amd64", "v1"), Platform("linux", "amd64"), True),
        (Platform("linux", "arm", "v6"), Platform("linux", "arm", "v7"), False),
        (Platform("linux", "arm"), Platform("linux", "arm", "v7"), False),
        (Platform("linux", "amd64"), Platform("linux", "386"), False),
    ],
)
def test_same_machine(one, other, same):
    assert one.same_machine(other) is same


def test_this_machine_has_a_name_that_go_knows():
    assert parse_platform(str(machine_platform())) == machine_platform()

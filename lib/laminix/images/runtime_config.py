"""The ``config`` object of an image config: which keys it has, and which values they take.

The keys are those of the OCI image-spec (config.md, "Properties") and of Docker's image specification 1.3, with the
fields of Docker's container config that old images have. The values follow what engines accept: an image that
breaks one of these rules loads everywhere and then fails to start, or starts otherwise than its author meant.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from laminix.decimal_digits import number_up_to
from laminix.strict_json import Value
from laminix.suggestion import did_you_mean

UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
DURATION = re.compile(rf"(?:\d+(?:\.\d+)?(?:{'|'.join(UNITS)}))+")
SHORTEST_DURATION = UNITS["ms"]  # Docker refuses to make a container with a shorter one

PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(?:tcp|udp|sctp))?")
ABSOLUTE = re.compile(r"/|[A-Za-z]:[/\\]")  # the second one is for Windows
USER = re.compile(r"[^:\s]+(?::[^:\s]+)?")
GREATEST_ID = 2**31 - 1

GREATEST_SIGNAL = 64
# Linux's, as Docker takes them: with or without SIG (moby/sys/signal, signal_linux.go).
SIGNALS = (
    frozenset(
        "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP"
        " TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX".split()
    )
    | {f"RTMIN+{n}" for n in range(1, 16)}
    | {f"RTMAX-{n}" for n in range(1, 15)}
)


class Field(NamedTuple):
    """A key's rules: each raises LaminixError for a value that breaks it."""

    check_type: Callable[[Value], Any]
    check_value: Callable[[Value], None] = lambda value: None


# What a user gives.


def read_runtime(given: Value) -> dict[str, Any]:
    """Return the ``config`` object that a user gives. Raises LaminixError for an unknown key or a bad value.

    JSON paths start at ``config``, wherever the object was found.
    """
    value = Value(given.raw, "bad config", given.place, "config")
    _check_keys(value, RUNTIME_FIELDS)
    check_types(value)
    for key, member in value.items():
        if member.raw is not None:
            RUNTIME_FIELDS[key].check_value(member)
    return value.raw


def read_lenient(given: Value) -> dict[str, Any]:
    """Return the ``config`` object that a user gives as Docker would read it, written as the specification has it.

    Accepts keys in any letter case, a string for a list of one, and durations such as ``30s``; keeps unknown keys.
    Raises LaminixError for any other wrong type.
    """
    value = Value(given.raw, "bad config", given.place, "config")
    plain = Value(_spelled(value, RUNTIME_FIELDS), value.what, value.place, value.path)
    check_types(plain)
    if plain.get("Env"):
        _check_environment(plain["Env"])
    return plain.raw


def check_types(value: Value) -> None:
    """Raise LaminixError if a known key of a ``config`` object has a value of the wrong type."""
    _check_types(value, RUNTIME_FIELDS)


def _check_types(value: Value, fields: dict[str, Field]) -> None:
    for key, member in value.items():
        if key in fields and member.raw is not None:
            fields[key].check_type(member)


def _check_keys(value: Value, fields: dict[str, Field]) -> None:
    for key, member in value.items():
        if key in fields:
            continue
        if key == "config" and isinstance(member.raw, dict):
            raise value.error("unknown key 'config': give the object inside it, not a whole image config")
        remedy = did_you_mean(key, fields) or "; --lenient-config (in Nix lenientConfig) keeps unknown keys"
        raise value.error(f"unknown key {key!r}{remedy}")


# Docker's reading.


def _spelled(value: Value, fields: dict[str, Field]) -> dict[str, Any]:
    """Return the object with known keys in the specification's letter case (of two spellings the last one counts)."""
    names = {name.lower(): name for name in fields}
    members = [(names.get(key.lower(), key), member) for key, member in value.items()]
    return {name: _plain(name, member) for name, member in members}


def _plain(name: str, member: Value) -> Any:
    """Return the member as the specification has it."""
    if name == "Healthcheck" and isinstance(member.raw, dict):
        return _spelled(member, HEALTHCHECK_FIELDS)
    if isinstance(member.raw, str):
        if name in ("Cmd", "Entrypoint", "Shell"):
            return [member.raw]
        if name in DURATIONS and DURATION.fullmatch(member.raw):
            return _nanoseconds(member.raw)
    return member.raw


def _nanoseconds(duration: str) -> int:
    """Return a duration as Go writes it, such as ``1m30s``, in nanoseconds."""
    parts = re.findall(rf"([\d.]+)({'|'.join(UNITS)})", duration)
    return sum(round(float(number) * UNITS[unit]) for number, unit in parts)


# Types.


def _boolean(value: Value) -> bool:
    return value.expect(bool)


def _whole(value: Value) -> int:
    return value.expect(int)


def _set(value: Value) -> None:
    """Check a set as Go writes it: an object whose members are empty objects."""
    for _, member in value.items():
        member.expect(dict, type(None))


def _duration(value: Value) -> int:
    if isinstance(value.raw, str) and DURATION.fullmatch(value.raw):
        raise value.error(f"found {value.raw!r}, expected nanoseconds: {_nanoseconds(value.raw)}")
    return value.expect(int)


def _healthcheck(value: Value) -> None:
    _check_types(value, HEALTHCHECK_FIELDS)


# Values.


def _check_environment(value: Value) -> None:
    for variable in value:
        if variable.text().find("=") < 1:
            raise variable.error(f"found {variable.raw!r}, expected NAME=VALUE")


def _check_user(value: Value) -> None:
    if value.raw and not USER.fullmatch(value.raw):
        raise value.error(f"found {value.raw!r}, expected USER or USER:GROUP, names or numbers")
    for part in value.raw.split(":"):
        if part.isdecimal() and number_up_to(GREATEST_ID, part) is None:
            raise value.error(f"found {part}, expected at most {GREATEST_ID}")


def _check_working_directory(value: Value) -> None:
    if value.raw and not ABSOLUTE.match(value.raw):
        raise value.error(f"found {value.raw!r}, expected an absolute path")


def _check_ports(value: Value) -> None:
    for port, member in value.items():
        match = PORT.fullmatch(port)
        numbers = [int(number) for number in match.groups() if number] if match else []
        if not numbers or not 1 <= numbers[0] <= numbers[-1] <= 65535:
            raise value.error(f"found {port!r}, expected a port such as '80', '80/tcp' or '3000-3005/udp'")


def _check_volumes(value: Value) -> None:
    for path, member in value.items():
        if not ABSOLUTE.match(path) or not path.strip("/"):
            raise value.error(f"found {path!r}, expected an absolute path other than '/'")


def _check_signal(value: Value) -> None:
    if number_up_to(GREATEST_SIGNAL, value.raw):
        return
    if value.raw and value.raw.upper().removeprefix("SIG") not in SIGNALS:
        near = did_you_mean(value.raw, {f"SIG{name}" for name in SIGNALS})
        raise value.error(f"unknown signal {value.raw!r}{near or ', expected a name such as SIGTERM, or a number'}")


def _check_healthcheck(value: Value) -> None:
    _check_keys(value, HEALTHCHECK_FIELDS)
    for key, member in value.items():
        if member.raw is not None:
            HEALTHCHECK_FIELDS[key].check_value(member)


def _check_test(value: Value) -> None:
    words = value.raw
    if not words or words == ["NONE"] or words[0] in ("CMD", "CMD-SHELL") and len(words) > 1:
        return
    raise value.error(f"found {words}, expected ['NONE'], ['CMD', PROGRAM, ARGUMENT...] or ['CMD-SHELL', COMMAND]")


def _check_duration(value: Value) -> None:
    if value.raw and value.raw < SHORTEST_DURATION:
        raise value.error(f"found {value.raw}, expected nanoseconds: 0 or at least {SHORTEST_DURATION} (1 ms)")


def _check_not_negative(value: Value) -> None:
    value.number()


DURATIONS = ("Interval", "Timeout", "StartPeriod", "StartInterval")
HEALTHCHECK_FIELDS = {
    "Test": Field(Value.texts, _check_test),
    **{name: Field(_duration, _check_duration) for name in DURATIONS},
    "Retries": Field(_whole, _check_not_negative),
}
# The specification's keys, then Docker's.
RUNTIME_FIELDS = {
    "User": Field(Value.text, _check_user),
    "ExposedPorts": Field(_set, _check_ports),
    "Env": Field(Value.texts, _check_environment),
    "Entrypoint": Field(Value.texts),
    "Cmd": Field(Value.texts),
    "Volumes": Field(_set, _check_volumes),
    "WorkingDir": Field(Value.text, _check_working_directory),
    "Labels": Field(Value.text_map),
    "StopSignal": Field(Value.text, _check_signal),
    "ArgsEscaped": Field(_boolean),
    "Memory": Field(_whole),
    "MemorySwap": Field(_whole),
    "CpuShares": Field(_whole),
    "Healthcheck": Field(_healthcheck, _check_healthcheck),
    "Shell": Field(Value.texts),
    "OnBuild": Field(Value.texts),
    "StopTimeout": Field(_whole),
    "Hostname": Field(Value.text),
    "Domainname": Field(Value.text),
    "AttachStdin": Field(_boolean),
    "AttachStdout": Field(_boolean),
    "AttachStderr": Field(_boolean),
    "Tty": Field(_boolean),
    "OpenStdin": Field(_boolean),
    "StdinOnce": Field(_boolean),
    "NetworkDisabled": Field(_boolean),
    "Image": Field(Value.text),
    "MacAddress": Field(Value.text),
}

"""Permission rules: they set the owner, mode, capabilities and xattrs of the entries of a layer."""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laminix.errors import shown
from laminix.layers.capabilities import XATTR, read_capabilities
from laminix.strict_json import Value
from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Entry, is_whiteout
from laminix.tar.fields import LARGEST_ID

KEYS = {"path", "glob", "mode", "uid", "gid", "uname", "gname", "capabilities", "xattrs"}


@dataclass(frozen=True)
class Rule:
    """One permission rule: the entries it matches and the fields it sets. None leaves a field unchanged."""

    pattern: str  # path or glob as the user wrote it
    path: bytes | None  # path of the only entry that matches; None for a glob
    expression: re.Pattern[bytes] | None  # matches the complete path of an entry; None for a path
    mode: int | None
    owner: dict[str, int | bytes]  # the fields of Owner that the rule sets
    xattrs: dict[bytes, bytes]
    place: Value  # the rule in its document, for errors


def _read_rule(value: Value) -> Rule:
    value.only(KEYS)
    path, glob = value.get("path"), value.get("glob")
    if (path is None) == (glob is None):
        raise value.error("expected either 'path' or 'glob'")
    pattern = path or glob
    if not pattern.text().strip("/"):
        raise pattern.error(f"found {pattern.raw!r}, expected a path below the root, which has no entry")
    rule = Rule(
        pattern=pattern.raw,
        path=_bytes(path) if path else None,
        expression=re.compile(_glob(_bytes(glob)), re.DOTALL) if glob else None,
        mode=_read_mode(value.get("mode")),
        owner=_read_owner(value),
        xattrs=_read_xattrs(value),
        place=value,
    )
    if rule.mode is None and not rule.owner and not rule.xattrs:
        raise value.error("rule sets nothing, expected one of mode, uid, gid, uname, gname, capabilities, xattrs")
    return rule


def _bytes(value: Value) -> bytes:
    """Return the path or glob as an entry's path is written: without slashes at its ends."""
    return value.text().strip("/").encode("utf-8", "surrogateescape")


def _glob(pattern: bytes) -> bytes:
    """Return a regular expression for the glob PATTERN: ``*`` and ``?`` stop at a slash, ``**`` does not.

    ``**/`` matches any number of directories, including none.
    """
    # Repeated stars are equivalent to one; matching them one by one takes far too long.
    pattern = re.sub(rb"(?<![^/])(?:\*\*/)+", b"**/", re.sub(rb"\*{2,}", b"**", pattern))
    meanings = {b"**/": b"(?:.*/)?", b"**": b".*", b"*": b"[^/]*", b"?": b"[^/]"}
    parts = re.split(rb"((?<![^/])\*\*/|\*\*|\*|\?)", pattern)
    return b"".join(meanings.get(part) or re.escape(part) for part in parts)


def _read_mode(value: Value | None) -> int | None:
    if value is None:
        return None
    if not re.fullmatch(r"[0-7]{3,5}", value.text()) or int(value.raw, 8) > 0o7777:
        raise value.error(f"found {value.raw!r}, expected an octal mode like '0755'")
    return int(value.raw, 8)


def _read_owner(value: Value) -> dict[str, int | bytes]:
    owner: dict[str, int | bytes] = {}
    for key in ("uid", "gid"):
        number = value.get(key)
        if number is not None:
            owner[key] = check_id(number)
    for key in ("uname", "gname"):
        name = value.get(key)
        if name is not None:
            owner[key] = _owner_name(name)
    return owner


def _owner_name(value: Value) -> bytes:
    if "\0" in value.text() or "\n" in value.raw:
        raise value.error(f"found {value.raw!r}, expected a name without line breaks or zero bytes")
    return value.raw.encode("utf-8", "surrogateescape")


def check_id(value: Value) -> int:
    """Return the user or group ID in VALUE. Raises LaminixError if it is too large for Linux."""
    if value.number() > LARGEST_ID:
        raise value.error(f"found {value.raw}, expected an ID of at most {LARGEST_ID}")
    return value.raw


def _read_xattrs(value: Value) -> dict[bytes, bytes]:
    xattrs = value.get("xattrs")
    capabilities = value.get("capabilities")
    members = xattrs.items() if xattrs else ()
    result = {_xattr_name(name, member): _xattr_value(member) for name, member in members}
    if capabilities is not None:
        result[XATTR] = read_capabilities(capabilities)
    return result


def _xattr_name(name: str, member: Value) -> bytes:
    if "." not in name.strip(".") or "=" in name or "\0" in name:
        raise member.error(f"found the name {name!r}, expected NAMESPACE.NAME without '=', such as user.note")
    return name.encode("utf-8", "surrogateescape")


def _xattr_value(value: Value) -> bytes:
    """Return the bytes of VALUE, written as for setfattr(1): text, 0x and hex digits, or 0s and base64."""
    text = value.text()
    try:
        if text[:2] in ("0x", "0X"):
            return bytes.fromhex(text[2:])
        if text[:2] in ("0s", "0S"):
            return base64.b64decode(text[2:], validate=True)
    except ValueError:
        encoding = "hex digits" if text[1] in "xX" else "base64"
        raise value.error(f"found {text!r}, expected {encoding} after {text[:2]!r}") from None
    return text.encode("utf-8", "surrogateescape")


class Rules:
    """The rules of a --perms document, in its order.

    Raises LaminixError for an invalid rule.
    """

    def __init__(self, document: Value):
        self._rules = [_read_rule(element) for element in document]
        # mk-perms writes thousands of rules with a path. Looking these up is faster than trying each.
        self._by_path: dict[bytes | None, list[int]] = {}
        for index, rule in enumerate(self._rules):
            self._by_path.setdefault(rule.path, []).append(index)
        self._globs = self._by_path.pop(None, [])

    def apply(self, entries: Iterable[Entry], matched: set[int]) -> Iterator[Entry]:
        """Yield ENTRIES, changed by the rules. If several rules set a field, the last one wins.

        Adds the numbers of the rules that match an entry to MATCHED. Raises LaminixError if a rule with a path sets
        capabilities on anything but a file.
        """
        for entry in entries:
            if not is_whiteout(entry.path):
                found = [index for index in self._globs if self._rules[index].expression.fullmatch(entry.path)]
                found += self._by_path.get(entry.path, [])
                matched.update(found)
                for index in sorted(found):
                    entry = _changed(entry, self._rules[index])
            yield entry

    def check_all_matched(self, matched: set[int]) -> None:
        """Raise LaminixError for the first rule whose number is not in MATCHED."""
        for index, rule in enumerate(self._rules):
            if index not in matched:
                raise rule.place.error(f"{rule.pattern!r} matches nothing in this layer")


def _changed(entry: Entry, rule: Rule) -> Entry:
    xattrs = dict(entry.xattrs) | rule.xattrs
    if XATTR in rule.xattrs and entry.type != FILE:
        # A glob such as bin/** may match directories as well; it sets the capabilities of the files only.
        if rule.path is not None:
            why = f"only files can have capabilities, and {shown(entry.path)!r} is not a file"
            raise rule.place.error(why)
        xattrs.pop(XATTR)
    # Linux ignores the mode of a symbolic link and always reports 0777.
    mode = entry.mode if rule.mode is None or entry.type == SYMLINK else rule.mode
    owner = entry.owner._replace(**rule.owner)
    sets_anything = rule.mode is not None or bool(rule.owner) or rule.xattrs.keys() != {XATTR}
    explicit = entry.explicit or entry.type == DIRECTORY and sets_anything
    return entry._replace(mode=mode, owner=owner, xattrs=tuple(sorted(xattrs.items())), explicit=explicit)

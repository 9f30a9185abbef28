"""Image references, NAME:TAG, by the grammar of the distribution project's package ``reference``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from laminix.errors import LaminixError, values_of_options

BAD_NAME = "bad image name"
DEFAULT_TAG = "latest"
DEFAULT_DOMAIN = "docker.io"
OFFICIAL = "library"  # Docker Hub's namespace for names of one component
MAX_NAME_LENGTH = 255
MAX_TAG_LENGTH = 128

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
DOMAIN = re.compile(rf"(?:{LABEL}(?:\.{LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")
COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name and a tag as they were written; the name is empty if only a tag is known."""

    name: str
    tag: str

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}" if self.name else self.tag

    def qualified(self) -> str:
        """Return the full reference, as containerd expects it: ``docker.io/library/hello:latest``."""
        return qualified(self.name, self.tag)

    def familiar(self) -> str:
        """Return the short reference, as ``docker images`` prints it: ``hello:latest``."""
        return f"{familiar_name(self.name)}:{self.tag}"


def qualified(name: str, tag: str) -> str:
    """Return NAME:TAG in full: ``qualified("hello", "latest")`` is ``docker.io/library/hello:latest``."""
    return f"{qualified_name(name)}:{tag}"


def qualified_name(name: str) -> str:
    """Return NAME with its registry, and with ``library/`` if it is a Docker Hub name of one component."""
    domain, path = _split_domain(name)
    if domain in ("", "index.docker.io"):
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = f"{OFFICIAL}/{path}"
    return f"{domain}/{path}"


def familiar_name(name: str) -> str:
    """Return NAME without Docker Hub's registry and ``library/``, the parts that Docker leaves out."""
    short = qualified_name(name).removeprefix(f"{DEFAULT_DOMAIN}/")
    official = short.removeprefix(f"{OFFICIAL}/")
    # Keep the library/ of docker.io/library/a/b: a/b is another image.
    return short if "/" in official else official


def parse_reference(text: str) -> Reference:
    """Return the reference that an option gives as TEXT, NAME[:TAG] (default tag ``latest``).

    Raises UsageError if it is invalid.
    """
    name, tag = split_tag(text)
    return references(name, [] if tag is None else [tag])[0]


def references(name: str, tags: Iterable[str]) -> list[Reference]:
    """Return the distinct references with the NAME and the TAGS (default ``latest``) of options, in order.

    Raises UsageError if one is invalid.
    """
    with values_of_options():
        check_name(name)
        return [Reference(name, check_tag(tag)) for tag in dict.fromkeys(tags) or [DEFAULT_TAG]]


def read_reference(text: str) -> Reference:
    """Return the reference in TEXT, unchecked: existing images contain references that break the rules."""
    name, tag = split_tag(text)
    return Reference(name, DEFAULT_TAG if tag is None else tag)


def split_tag(text: str) -> tuple[str, str | None]:
    """Return name and tag of NAME[:TAG], unchecked; the tag is None if missing. A port is not a tag."""
    name, colon, tag = text.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (text, None)


def check_name(name: str) -> str:
    """Return NAME if it is ``[registry[:port]/]path``. Otherwise raises LaminixError with the rule it breaks."""
    domain, path = _split_domain(name)
    if not name:
        raise LaminixError(BAD_NAME, "found an empty name, expected [registry[:port]/]path")
    if "@" in name:
        raise _bad_name(name, "it has a digest; give only the name")
    if split_tag(name)[1] is not None:
        raise _bad_name(name, "it has a tag; give only the name, and the tag separately")
    if domain and not DOMAIN.fullmatch(domain):
        rule = "labels of letters, digits and inner hyphens, separated by dots, and an optional port"
        raise _bad_name(name, f"invalid registry {domain!r}, expected {rule}")
    for component in path.split("/"):
        _check_component(name, component)
    if len(path) > MAX_NAME_LENGTH:
        raise _bad_name(name, f"path is too long: {len(path)} characters (limit {MAX_NAME_LENGTH})")
    if re.fullmatch(r"[0-9a-f]{64}", name):
        raise _bad_name(name, "64 hexadecimal digits are an image ID and not a name")
    return name


def check_tag(tag: str) -> str:
    """Return TAG if it is valid. Otherwise raises LaminixError with the rule it breaks."""
    if len(tag) > MAX_TAG_LENGTH:
        why = f"{tag!r} is too long: {len(tag)} characters (limit {MAX_TAG_LENGTH})"
        raise LaminixError("bad image tag", why)
    if not TAG.fullmatch(tag):
        rule = "letters, digits, '_', '.' and '-', starting with neither '.' nor '-'"
        raise LaminixError("bad image tag", f"found {tag!r}, expected {rule}")
    return tag


def _check_component(name: str, component: str) -> None:
    if not component:
        raise _bad_name(name, "a component between slashes is empty")
    if component != component.lower():
        raise _bad_name(name, f"{component!r} has upper-case letters, expected lower-case letters only")
    if not COMPONENT.fullmatch(component):
        rule = "lower-case letters and digits, separated by one '.', '_' or '__', or by any number of '-'"
        raise _bad_name(name, f"invalid component {component!r}, expected {rule}")


def _bad_name(name: str, why: str) -> LaminixError:
    return LaminixError(BAD_NAME, f"{name!r}: {why}")


def _split_domain(name: str) -> tuple[str, str]:
    """Return registry and path of NAME; the registry is empty unless the first component looks like one."""
    first, slash, rest = name.partition("/")
    if slash and (set(first) & set(".:") or first == "localhost" or first != first.lower()):
        return first, rest
    return "", name

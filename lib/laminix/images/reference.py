"""Image references: NAME:TAG, after the grammar of the distribution project's reference package."""

import re
from dataclasses import dataclass

from laminix.errors import LaminixError

BAD_NAME = "bad image name"
DEFAULT_TAG = "latest"
DEFAULT_DOMAIN = "docker.io"
OFFICIAL = "library"  # where Docker Hub keeps names of a single component
LONGEST_NAME = 255
LONGEST_TAG = 128

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
DOMAIN = re.compile(rf"(?:{LABEL}(?:\.{LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")
COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name and a tag, as they were written; the name is empty where only a tag is known."""

    name: str
    tag: str

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}" if self.name else self.tag

    def qualified(self) -> str:
        """With registry and all, as containerd wants it: ``docker.io/library/hello:latest``."""
        return qualified(self.name, self.tag)

    def familiar(self) -> str:
        """As ``docker images`` shows it: ``hello:latest``."""
        return f"{familiar_name(self.name)}:{self.tag}"


def qualified(name: str, tag: str) -> str:
    """``qualified("hello", "latest")`` is ``docker.io/library/hello:latest``."""
    return f"{qualified_name(name)}:{tag}"


def qualified_name(name: str) -> str:
    """NAME with its registry, and Docker Hub's ``library/`` where it has a single component."""
    domain, path = _split_domain(name)
    if domain in ("", "index.docker.io"):
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = f"{OFFICIAL}/{path}"
    return f"{domain}/{path}"


def familiar_name(name: str) -> str:
    """NAME without what Docker leaves out: its own registry, and ``library/`` there."""
    short = qualified_name(name).removeprefix(f"{DEFAULT_DOMAIN}/")
    official = short.removeprefix(f"{OFFICIAL}/")
    # docker.io/library/a/b would otherwise become a/b, which is another image.
    return short if "/" in official else official


def parse_reference(text: str) -> Reference:
    """The reference NAME[:TAG] in TEXT, the tag ``latest`` where there is none; raises LaminixError."""
    name, tag = split_tag(text)
    return Reference(check_name(name), DEFAULT_TAG if tag is None else check_tag(tag))


def read_reference(text: str) -> Reference:
    """The reference that an image has in TEXT, whatever rules it breaks: images at large do."""
    name, tag = split_tag(text)
    return Reference(name, DEFAULT_TAG if tag is None else tag)


def split_tag(text: str) -> tuple[str, str | None]:
    """Name and tag of NAME[:TAG], unchecked; None where there is no tag (a port is none)."""
    name, colon, tag = text.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (text, None)


def check_name(name: str) -> str:
    """NAME, if it is ``[registry[:port]/]path``; raises LaminixError with the rule it breaks."""
    domain, path = _split_domain(name)
    if not name:
        raise LaminixError(BAD_NAME, "it is empty, expected [registry[:port]/]path")
    if "@" in name:
        raise _bad_name(name, "it has a digest; give the name alone")
    if split_tag(name)[1] is not None:
        raise _bad_name(name, "it has a tag; give the name alone, and the tag as a tag")
    if domain and not DOMAIN.fullmatch(domain):
        rule = "letters, digits and inner hyphens between dots, then perhaps a port"
        raise _bad_name(name, f"{domain!r} breaks the rule for a registry: {rule}")
    for component in path.split("/"):
        _check_component(name, component)
    if len(path) > LONGEST_NAME:
        raise _bad_name(name, f"its path has {len(path)} characters, at most {LONGEST_NAME} are allowed")
    if re.fullmatch(r"[0-9a-f]{64}", name):
        raise _bad_name(name, "64 hexadecimal digits are an image ID, no name")
    return name


def check_tag(tag: str) -> str:
    """TAG, if it is a valid tag; raises LaminixError with the rule it breaks."""
    if len(tag) > LONGEST_TAG:
        why = f"{tag!r} has {len(tag)} characters, at most {LONGEST_TAG} are allowed"
        raise LaminixError("bad image tag", why)
    if not TAG.fullmatch(tag):
        rule = "letters, digits, '_', '.' and '-', the first no '.' or '-'"
        raise LaminixError("bad image tag", f"found {tag!r}, expected {rule}")
    return tag


def _check_component(name: str, component: str) -> None:
    if not component:
        raise _bad_name(name, "a component between slashes is empty")
    if component != component.lower():
        raise _bad_name(name, f"{component!r} has upper-case letters; only lower-case ones are allowed")
    if not COMPONENT.fullmatch(component):
        rule = "lower-case letters and digits, between them single '.', '_', '__' or any number of '-'"
        raise _bad_name(name, f"{component!r} breaks the rule: {rule}")


def _bad_name(name: str, why: str) -> LaminixError:
    return LaminixError(BAD_NAME, f"{name!r}: {why}")


def _split_domain(name: str) -> tuple[str, str]:
    """Registry and path; the registry is empty unless the first component looks like one."""
    first, slash, rest = name.partition("/")
    if slash and (set(first) & set(".:") or first == "localhost" or first != first.lower()):
        return first, rest
    return "", name

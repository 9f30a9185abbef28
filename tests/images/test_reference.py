"""Image references: the grammar, and the two spellings of a name."""

import pytest

from laminix.errors import LaminixError
from laminix.images.reference import Reference, check_name, check_tag, parse_reference, qualified

GOOD_NAMES = (
    "hello",
    "bar/x",
    "a__b/c-d--e/f.g_h",
    "localhost/x",
    "localhost:5000/x",
    "Registry.example:80/a/b",
    "[2001:db8::1]:5000/x",
)
BAD_NAMES = {
    "": "found an empty name",
    "Hello": "'Hello' has upper-case letters",
    "example.org/Hello": "'Hello' has upper-case letters",
    "hello:1": "it has a tag",
    "hello@sha256:00": "it has a digest",
    "a//b": "a component between slashes is empty",
    "/a": "a component between slashes is empty",
    "a/": "a component between slashes is empty",
    "a..b": "invalid component 'a..b'",
    "-a": "invalid component '-a'",
    "a b": "invalid component 'a b'",
    "a_": "invalid component 'a_'",
    "-x.org/a": "invalid registry '-x.org'",
    "x.org:port/a": "invalid registry 'x.org:port'",
    "a" * 256: "path is too long: 256 characters (limit 255)",
    "ab" * 32: "are an image ID",
}
QUALIFIED = {
    "hello": "docker.io/library/hello:1",
    "bar/x": "docker.io/bar/x:1",
    "docker.io/hello": "docker.io/library/hello:1",
    "index.docker.io/bar/x": "docker.io/bar/x:1",
    "localhost/x": "localhost/x:1",
    "localhost:5000/x": "localhost:5000/x:1",
    "example.org/x": "example.org/x:1",
}


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_takes_a_valid_name(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_the_rule_that_a_name_breaks(name):
    with pytest.raises(LaminixError) as caught:
        check_name(name)
    assert BAD_NAMES[name] in str(caught.value)


@pytest.mark.parametrize("tag", ("latest", "1.0", "_", "A" * 128))
def test_takes_a_valid_tag(tag):
    assert check_tag(tag) == tag


@pytest.mark.parametrize("tag", ("", ".a", "-a", "a b", "a/b", "ä", "a\n"))
def test_refuses_a_bad_tag(tag):
    with pytest.raises(LaminixError, match="starting with neither '.' nor '-'"):
        check_tag(tag)


def test_refuses_a_tag_that_is_too_long():
    with pytest.raises(LaminixError, match=r"is too long: 129 characters \(limit 128\)"):
        check_tag("a" * 129)


@pytest.mark.parametrize("name", QUALIFIED)
def test_qualifies_a_name(name):
    assert qualified(name, "1") == QUALIFIED[name]


@pytest.mark.parametrize(
    "name, familiar",
    [("docker.io/library/x", "x"), ("docker.io/bar/x", "bar/x"), ("x", "x"), ("ghcr.io/x", "ghcr.io/x")],
)
def test_familiar_name_leaves_out_dockers_own_registry(name, familiar):
    assert Reference(name, "1").familiar() == f"{familiar}:1"


def test_familiar_name_is_still_the_same_image():
    reference = Reference("docker.io/library/a/b", "1")
    assert qualified(reference.familiar().removesuffix(":1"), "1") == reference.qualified()


@pytest.mark.parametrize(
    "text, name, tag",
    [
        ("a", "a", "latest"),
        ("a:1", "a", "1"),
        ("h:5000/a", "h:5000/a", "latest"),
        ("h:5000/a:1", "h:5000/a", "1"),
    ],
)
def test_tells_a_tag_from_a_port(text, name, tag):
    assert parse_reference(text) == Reference(name, tag)

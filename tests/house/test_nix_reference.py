"""The argument tables of the Nix READMEs say what the code says, and the functions' doc comments are found."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from checkout import ROOT

REFERENCE = ROOT / "nix" / "README.md"
DOCKER_TOOLS = ROOT / "nix" / "docker-tools"
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
REQUIRED = "required"
# Arguments that nix/README.md describes once for all functions.
OF_ALL = {"meta", "passthru"}


class Row(NamedTuple):
    """An argument as a table describes it."""

    type: str
    default: str
    description: str


def rows(page: Path, *sections: str) -> dict[str, Row]:
    """The arguments in the tables of SECTIONS of PAGE, by name; an argument is in one of them only."""
    text = page.read_text()
    found = [row for section in sections for row in ROW.findall(section_of(text, section))]
    assert len({name for name, *_ in found}) == len(found), sections
    return {name: Row(*cells) for name, *cells in found}


def section_of(text: str, heading: str) -> str:
    """The part of a page from the HEADING of level 3 to the next heading."""
    assert f"\n### {heading}\n" in text, heading
    return re.split(r"\n##+ ", text.partition(f"\n### {heading}\n")[2])[0]


def defaults(file: Path) -> dict[str, str]:
    """The caller's arguments of the function in FILE with their defaults, as they are written."""
    signature = file.read_text().rpartition("*/\n")[2]
    arguments = re.match(r"\s*\{\n(.*?)^\s*\}(@arguments)?:$", signature, re.MULTILINE | re.DOTALL)
    written = re.findall(r"^\s+(\w+)(?: \? (.*))?,$", arguments[1], re.MULTILINE)
    return {name: default or REQUIRED for name, default in written}


def differences(table: dict[str, Row], code: dict[str, str]) -> Iterable[str]:
    """What is said differently of the same arguments, a line each."""
    yield from (f"{name}: in the table only" for name in table.keys() - code.keys())
    yield from (f"{name}: in the code only" for name in code.keys() - table.keys())
    for name in table.keys() & code.keys():
        default = table[name].default
        if default.startswith("that of "):
            # Words for what is found by evaluation: an attribute of something else.
            if "." not in code[name]:
                yield f"{name}: the table says {default}, the code {code[name]}"
        elif default.strip("`") != code[name]:
            yield f"{name}: the table says {default}, the code {code[name]}"


def functions() -> list[str]:
    """The public functions, as default.nix lists them."""
    listed = (ROOT / "default.nix").read_text().partition("functionFiles = {")[2].partition("};")[0]
    return re.findall(r"^\s+(\w+) = ", listed, re.MULTILINE)


def file_of(function: str) -> Path:
    return ROOT / "nix" / f"{re.sub('[A-Z]', lambda capital: '-' + capital[0].lower(), function)}.nix"


def test_the_list_of_functions_is_the_public_one(nix):
    public = nix.evaluate("builtins.filter (name: builtins.isFunction laminix.${name}) (builtins.attrNames laminix)")
    assert functions() == public


@pytest.mark.parametrize("function", functions())
def test_the_table_of_a_function_has_its_arguments_and_defaults(function):
    code = {name: default for name, default in defaults(file_of(function)).items() if name not in OF_ALL}
    assert code
    assert not list(differences(rows(REFERENCE, function), code))


def test_what_is_said_of_all_functions_is_true_of_all():
    derivations = [name for name in functions() if not name.endswith("Files")]
    assert all({name: "{ }" for name in OF_ALL}.items() <= defaults(file_of(name)).items() for name in derivations)


@pytest.mark.parametrize(
    "function, sections",
    [
        ("build-image", ("All three functions", "buildImage")),
        ("stream-layered-image", ("All three functions", "streamLayeredImage")),
    ],
)
def test_the_tables_of_docker_tools_have_the_arguments_and_defaults(function, sections):
    code = defaults(DOCKER_TOOLS / f"{function}.nix")
    assert not list(differences(rows(DOCKER_TOOLS / "README.md", *sections), code))


def test_build_layered_image_has_one_argument_more():
    compressor = {"compressor": defaults(DOCKER_TOOLS / "build-layered-image.nix")["compressor"]}
    assert not list(differences(rows(DOCKER_TOOLS / "README.md", "buildLayeredImage"), compressor))


@pytest.mark.parametrize("page", [REFERENCE, DOCKER_TOOLS / "README.md"], ids=lambda page: page.parent.name)
def test_a_description_is_a_sentence(page):
    for name, *cells in ROW.findall(page.read_text()):
        description = Row(*cells).description
        assert re.fullmatch(r"[A-Z`].*\.", description), name


def test_the_transport_forms_are_those_of_the_builder(nix, builder):
    refused = builder("pack-image", "image", "--format", "none-of-them", "--out", "x").stderr
    forms = set(re.findall(r"[\w-]+", refused.rpartition("(choose from ")[2].partition(")")[0]))
    assert set(re.findall(r'"([\w-]+)"', rows(REFERENCE, "packImage")["format"].description)) == forms
    assert set(re.findall(r'"([\w-]+)"', re.search("format :: (.*),", file_of("packImage").read_text())[1])) == forms
    image = 'mkImage { name = "x"; }'
    packed = [f"({image}).{words_in_camel_case(form)}.outPath" for form in sorted(forms)]
    by_format = [f'(packImage {{ image = {image}; format = "{form}"; }}).outPath' for form in sorted(forms)]
    assert nix.evaluate(f"[ {' '.join(packed)} ] == [ {' '.join(by_format)} ]")


def words_in_camel_case(name: str) -> str:
    return re.sub("-([a-z])", lambda letter: letter[1].upper(), name)


def test_nix_finds_the_doc_comment_of_every_function(nix):
    """In ``nix repl``, where users ask for it."""
    asked = "".join(f":doc laminix.{name}\n" for name in functions())
    typed = f"laminix = import ./. {{ pkgs = import ./nix/host-pkgs.nix {{ }}; }}\n{asked}"
    answers = nix("nix", "repl", input=typed).stdout.split("Function defined at")[1:]
    assert len(answers) == len(functions())
    for name, answer in zip(functions(), answers):
        assert f"{file_of(name).name}:" in answer and f"{name} ::" in answer


def test_the_package_describes_itself_the_same_way_everywhere(nix):
    description = nix.evaluate("laminix.meta.description")
    flake = (ROOT / "nix" / "flake.nix").read_text()
    assert f'description = "{description}";' in flake
    assert f"description = {description}\n" in (ROOT / "setup.cfg").read_text()

"""Every builder's help reads like its neighbours': a sentence for each option, with its default."""

import importlib.machinery
import importlib.util
import os

import pytest

from checkout import ROOT

BUILDERS = sorted(name for name in os.listdir(ROOT / "builders") if name != "README.md")


def parser_of(name):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(ROOT / "builders" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module.parser()


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch):
    """Importing a builder must not leave bytecode beside it."""
    monkeypatch.setattr("sys.dont_write_bytecode", True)


@pytest.mark.parametrize("name", BUILDERS)
def test_each_option_is_a_sentence(name):
    texts = {action.dest: action.help for action in parser_of(name)._actions}
    assert {dest: text for dest, text in texts.items() if not is_sentence(text)} == {}


def is_sentence(text):
    return bool(text) and text[0].isupper() and text[-1] == "."


@pytest.mark.parametrize("name", BUILDERS)
def test_the_description_starts_with_what_the_builder_does(name):
    first = parser_of(name).description.split("\n")[0]
    assert is_sentence(first) and len(first) <= 110

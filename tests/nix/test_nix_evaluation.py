"""What evaluation touches and what it does not: nixpkgs, the current system, other builders, docs."""

from dataclasses import replace
from pathlib import Path

import pytest

from checkout import copy_tree
from image_files import config

# A package set of which only the builder's Python works, for a platform that is not the builder's.
CROSS = """
let
  cross = import ./. {
    pkgs = {
      python3 = throw "the image's own python3 was touched";
      buildPackages = { inherit (pkgs) python3; };
      stdenv = {
        inherit (pkgs.stdenv) buildPlatform;
        hostPlatform = { system = "aarch64-linux"; go.GOARCH = "arm64"; };
      };
    };
  };
in
cross.mkImage {
  name = "cross";
  layers = [ (cross.mkLayer { closure = [ pkgs.busybox ]; }) ];
}
"""


@pytest.fixture
def tree(nix, tmp_path):
    """Nix on a copy of the checkout."""
    return replace(nix, tree=copy_tree(tmp_path / "tree"))


def test_an_image_for_another_platform_is_built_by_the_builders_python(nix):
    assert config(nix.build(CROSS))["architecture"] == "arm64"


def test_an_import_from_a_derivation_would_be_refused(nix):
    error = nix.failure('import (derivation { name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; })')
    assert "allow-import-from-derivation" in error


def test_a_builder_depends_on_no_other_builder_and_on_no_docs(tree):
    before = tree.derivations("mkLayer { }")
    (tree.tree / "builders" / "list-layers").write_text("#!/usr/bin/env python3\n")
    (tree.tree / "nix" / "README.md").write_text("Nothing.\n")
    for expression in ("build.nix", "mk-layer.nix"):
        edit(tree.tree / "nix" / expression, "/**\n", "# A comment.\n/**\n")
    (tree.tree / "lib" / "laminix" / "README.md").write_text("Nothing.\n")
    (tree.tree / "lib" / "laminix" / "__pycache__").mkdir(exist_ok=True)
    (tree.tree / "tests" / "test_nothing.py").write_text("")
    assert tree.derivations("mkLayer { }") == before


def test_a_builder_is_built_again_after_it_changes(tree):
    before = tree.derivations("mkLayer { }")
    with open(tree.tree / "builders" / "mk-layer", "a") as file:
        file.write("# changed\n")
    assert package_names(tree.derivations("mkLayer { }") - before) == ["laminix-mk-layer", "layer"]


SHARED = "examples.morning"


def test_one_changed_word_of_the_config_builds_no_layer_again(tree):
    before = tree.derivations(SHARED)
    edit(tree.tree / "nix" / "examples" / "morning.nix", "Good morning.", "Good day.")
    assert package_names(tree.derivations(SHARED) - before) == ["morning"]


WEB = "examples.web-server"


def test_one_changed_file_builds_one_layer_again(tree):
    before = tree.derivations(WEB)
    edit(tree.tree / "nix" / "examples" / "web-server" / "index.html", "laminix", "another title")
    assert package_names(tree.derivations(WEB) - before) == ["files", "web-server"]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def package_names(derivations: set[str]) -> list[str]:
    return sorted(path[44:].removesuffix(".drv") for path in derivations)


def test_a_system_without_stand_ins_is_told_in_one_line(nix):
    error = nix.failure('(import ./nix/host-pkgs.nix { system = "riscv64-linux"; }).python3')
    why = "laminix: no <nixpkgs>, and no stand-ins for riscv64-linux"
    assert f"{why}; use aarch64-linux x86_64-linux, or pass pkgs" in error


def test_a_missing_program_of_the_host_is_told_with_a_remedy(nix):
    error = nix.failure('pkgs.fromHost { name = "no-such-program"; }')
    assert "no-such-program is not installed; apt-get install no-such-program" in error


def test_the_stand_in_for_python_has_what_laminix_and_its_tests_import(nix):
    # In the sandbox: elsewhere the host's own libraries would stand in for a missing one.
    script = (
        "import sqlite3, ctypes, ssl, zlib, bz2, lzma, hashlib, os, json;"
        "print(json.__cached__, end='', file=open(os.environ['out'], 'w'))"
    )
    shown = nix.build(f"""
        derivation {{
          name = "modules"; inherit (pkgs.stdenv.buildPlatform) system; builder = pkgs.python3.interpreter;
          args = [ "-I" "-B" "-c" "{script}" ];
        }}
        """)
    compiled = Path(shown.read_text())
    assert compiled.is_relative_to(nix.build("pkgs.python3")) and compiled.is_file()


def test_the_overlay_adds_laminix_and_nothing_else(nix):
    names = nix.evaluate("builtins.attrNames (import ./nix/overlay.nix pkgs { })")
    assert names == ["laminix"]

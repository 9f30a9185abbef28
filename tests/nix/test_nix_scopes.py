"""The scopes that connect the Nix functions: every file is in one, under its own name."""

import re
import shutil
from dataclasses import replace

import pytest

from checkout import ROOT, copy_tree

SCOPES = ("default.nix", "nix/docker-tools/default.nix", "nix/examples/default.nix")
WIRED = re.compile(r"^\s+([\w-]+) = (\./\S+)\.nix;$", re.MULTILINE)

# Entry points: people and tests import them by path.
ENTRY_POINTS = {
    *("default.nix", "nix/docker-tools/default.nix", "nix/examples/default.nix", "nix/make-scope.nix"),
    *("nix/flake.nix", "nix/host-pkgs.nix", "nix/nixos-module.nix", "nix/overlay.nix", "nix/docker-tools/overlay.nix"),
}


def wired(scope: str) -> dict[str, str]:
    """The names in the file SCOPE, each with the file that it imports, relative to the checkout."""
    folder = (ROOT / scope).parent
    pairs = WIRED.findall((ROOT / scope).read_text())
    return {name: str((folder / f"{path}.nix").resolve().relative_to(ROOT)) for name, path in pairs}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_file_is_called_like_its_function(scope):
    for name, path in wired(scope).items():
        words = re.sub("[A-Z]", lambda capital: "-" + capital[0].lower(), name)
        assert path.rpartition("/")[2] == f"{words}.nix"


@pytest.mark.parametrize("scope", SCOPES[:2])
def test_every_file_has_one_doc_comment_and_no_tab(scope):
    for path in wired(scope).values():
        text = (ROOT / path).read_text()
        assert text.count("/**\n") == 1 and "\t" not in text, path


def test_every_file_is_in_a_scope_or_an_entry_point():
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "nix").rglob("*.nix")} | {"default.nix"}
    in_scopes = {path for scope in SCOPES for path in wired(scope).values()}
    assert files == in_scopes | ENTRY_POINTS


def test_files_get_what_they_name_from_the_scope(nix):
    scope = nix.evaluate("""
        let
          file = builtins.toFile "sum.nix" "{ left, right }: left + right";
          next = builtins.toFile "next.nix" "{ sum }: sum + 1";
        in import ./nix/make-scope.nix { left = 1; right = 2; other = throw "not named, not needed"; } {
          sum = file;
          inherit next;
        } // { other = null; }
        """)
    assert scope == {"left": 1, "right": 2, "sum": 3, "next": 4, "other": None}


def test_an_image_has_the_same_store_name_from_every_function(nix):
    names = nix.evaluate("""
        let name = "Registry.example:5000/Team/my app@1+2"; in [
          (mkImage { name = "registry.example:5000/Team/my app@1+2"; }).name
          (dockerTools.buildImage { inherit name; compressor = "none"; }).name
          (dockerTools.streamLayeredImage { inherit name; }).name
          (dockerTools.buildLayeredImage { inherit name; compressor = "none"; }).name
        ]
        """)
    assert names == ["my-app-1+2.tar", "docker-image-my-app-1+2.tar", "stream-my-app-1+2", "my-app-1+2.tar"]


def test_a_function_is_added_as_the_readme_says(nix, tmp_path):
    """The steps for ``doIt`` in nix/README.md, on a copy; no layer is built again."""
    there = replace(nix, tree=copy_tree(tmp_path / "tree"))
    before = there.derivations("mkLayer { }")
    shutil.copy(there.tree / "builders" / "compress", there.tree / "builders" / "do-it")
    text = (there.tree / "nix" / "compress.nix").read_text().replace('build "compress"', 'build "do-it"')
    (there.tree / "nix" / "do-it.nix").write_text(text)
    [line] = re.findall(r"Add the line `(.*?)` to `functionFiles`", (ROOT / "nix" / "README.md").read_text())
    default = there.tree / "default.nix"
    default.write_text(default.read_text().replace("functionFiles = {\n", f"functionFiles = {{\n    {line}\n"))
    assert there.build('doIt { file = builtins.toFile "x" "text"; compressor = "none"; }').read_text() == "text"
    assert there.derivations("mkLayer { }") == before

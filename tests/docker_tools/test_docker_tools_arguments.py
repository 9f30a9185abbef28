"""The arguments of dockerTools' two layered functions, which are one list."""

import pytest

# What nixpkgs' lib.makeOverridable does with a function's arguments: lib.setFunctionArgs, lib.functionArgs.
WITH_NIXPKGS_LIB = """
  let
    functionArgs = f: if f ? __functor then f.__functionArgs or (functionArgs (f.__functor f)) else builtins.functionArgs f;
    lib.makeOverridable = f: { __functionArgs = functionArgs f; __functor = _: arguments: f arguments; };
    inherit (import ./. { pkgs = pkgs // { inherit lib; }; }) dockerTools;
  in
"""


@pytest.mark.parametrize("library", ["", WITH_NIXPKGS_LIB], ids=["stand-in", "nixpkgs"])
def test_the_layered_functions_have_the_same_arguments_but_the_compressor(nix, library):
    stream, build = nix.evaluate(
        f"{library} map (function: function.__functionArgs) (with dockerTools; [ streamLayeredImage buildLayeredImage ])"
    )
    assert build == {**stream, "compressor": True} and stream["name"] is False


@pytest.mark.parametrize("library", ["", WITH_NIXPKGS_LIB], ids=["stand-in", "nixpkgs"])
def test_every_default_is_streamlayeredimages(nix, library):
    """Arguments that are given as they are by default change neither image nor layers."""
    given = (
        'tag = null; contents = [ ]; maxLayers = 100; uid = 0; uname = "root"; pin = [ ]; meta = { }; passthru = { };'
    )
    assert nix.evaluate(f"""{library}
        let build = extra: dockerTools.buildLayeredImage ({{ name = "x"; }} // extra); in
        (build {{ }}).outPath == (build {{ {given} }}).outPath
        && (build {{ }}).image.outPath == (dockerTools.streamLayeredImage {{ name = "x"; }}).image.outPath
        """)


@pytest.mark.parametrize("attribute", ["name", "imageName", "outPath"])
def test_an_unknown_argument_is_rejected_whatever_is_asked_of_the_result(nix, attribute):
    error = nix.failure(f'(dockerTools.buildLayeredImage {{ name = "x"; extraComands = ""; }}).{attribute}')
    assert "unexpected argument 'extraComands'" in error and "Did you mean extraCommands?" in error

"""Packages for another platform: what runs in a build or on the user's machine comes from buildPackages."""

import pytest

# Every package that would run on the image's platform is an error.
CROSS = """
let
  touched = name: throw "the image's own ${name} was touched";
  cross = import ./. {
    pkgs = builtins.mapAttrs (name: _: touched name) pkgs // {
      buildPackages = pkgs;
      stdenv = {
        inherit (pkgs.stdenv) buildPlatform;
        hostPlatform = { system = "aarch64-linux"; go.GOARCH = "arm64"; };
      };
    };
  };
  image = cross.mkImage { name = "x"; config.Cmd = [ "${pkgs.busybox}/bin/sh" ]; };
  plan = cross.planLayers { closure = [ pkgs.busybox ]; base = [ image ]; };
  files = { name = "x"; extraCommands = "true"; layerCompressor = "zstd"; includeNixDB = true; };
in
"""

CALLS = (
    'cross.compress { file = image; compressor = "zstd"; }',
    "cross.explainPlan { inherit plan; closure = [ pkgs.busybox ]; }",
    "cross.listLayers { inherit image; }",
    "cross.mergeParent { parent = image.dockerArchive; inherit image; }",
    "cross.mkConfig { config = { }; }",
    "image",
    'cross.mkLayer { closure = [ pkgs.busybox ]; compressor = "zstd"; }',
    "cross.mkLayers { inherit plan; }",
    "cross.mkNixDb { closure = [ pkgs.busybox ]; }",
    "cross.mkStreamer { inherit image; }",
    "cross.mkTree { copy = [ pkgs.busybox ]; }",
    "image.oci",
    "plan",
    "cross.verifyImage { inherit image; }",
    "cross.dockerTools.buildImage files",
    'cross.dockerTools.buildLayeredImage (files // { fakeRootCommands = "true"; })',
    "(cross.dockerTools.streamLayeredImage files).updatePlan",
    "cross",
)


@pytest.mark.parametrize("call", CALLS)
def test_no_package_of_the_images_platform_is_touched(nix, call):
    system = nix.evaluate("pkgs.stdenv.buildPlatform.system")
    assert nix.evaluate(f"{CROSS} let drv = {call}; in [ drv.system (builtins.isString drv.drvPath) ]") == [
        system,
        True,
    ]


def test_a_touched_package_would_be_told(nix):
    assert "the image's own busybox was touched" in nix.failure(f"{CROSS} cross.pkgs.busybox")

"""The overlay against dockerTools: names of functions and helpers, arguments and defaults."""

import pytest

# As read from nixpkgs' dockerTools.  A value is the argument's default in Nix; None: it is required.
COMMON = {
    "name": None,
    "tag": "null",
    "fromImage": "null",
    "architecture": "pkgs.stdenv.hostPlatform.go.GOARCH",
    "created": '"1970-01-01T00:00:01Z"',
    "extraCommands": '""',
    "uid": "0",
    "gid": "0",
    "includeNixDB": "false",
    "meta": "{ }",
}
BUILD_IMAGE = COMMON | {
    "fromImageName": "null",
    "fromImageTag": "null",
    "copyToRoot": "null",
    "contents": "null",
    "keepContentsDirlinks": "false",
    "config": "null",
    "runAsRoot": "null",
    "diskSize": "1024",
    "buildVMMemorySize": "512",
    "compressor": '"gz"',
}
STREAM_LAYERED = COMMON | {
    "contents": "[ ]",
    "config": "{ }",
    "mtime": '"1970-01-01T00:00:01Z"',
    "uname": '"root"',
    "gname": '"root"',
    "maxLayers": "100",
    "fakeRootCommands": '""',
    "enableFakechroot": "false",
    "includeStorePaths": "true",
    "passthru": "{ }",
    "layeringPipeline": "null",
    "debug": "false",
}
NIX_SHELL = {
    "drv": None,
    "name": 'pkgs.busybox.name + "-env"',
    "tag": "null",
    "uid": "1000",
    "gid": "1000",
    "homeDirectory": '"/build"',
    "shell": '"${pkgs.bash}/bin/bash"',
    "command": "null",
    "run": "null",
}
PULL = {
    "imageName": None,
    "imageDigest": None,
    "hash": '""',
    "sha256": '""',
    "outputHash": '""',
    "outputHashAlgo": "null",
    "os": '"linux"',
    "arch": "pkgs.stdenv.hostPlatform.go.GOARCH",
    "finalImageName": '"example.org/a/b"',
    "finalImageTag": '"latest"',
    "tlsVerify": "true",
    "name": '"docker-image-example.org-a-b-latest.tar"',
}
EXPORT = {
    "fromImage": None,
    "name": '"tree"',
    "fromImageName": "null",
    "fromImageTag": "null",
    "diskSize": "1024",
}
THEIRS = {
    "buildImage": BUILD_IMAGE,
    "streamLayeredImage": STREAM_LAYERED,
    "buildLayeredImage": STREAM_LAYERED | {"compressor": '"gz"'},
    "streamNixShellImage": NIX_SHELL,
    "buildNixShellImage": NIX_SHELL | {"compressor": '"gz"'},
    "pullImage": PULL,
    "exportImage": EXPORT,
}
# What laminix has beyond them.
OURS = {
    *("annotations", "fromImageName", "fromImageTag", "inheritConfig", "layerCompressor", "perms"),
    *("adjustPlan", "layering", "layeringPlan", "pin"),
}
OTHER_FUNCTIONS = {"buildImageWithNixDb", "buildLayeredImageWithNixDb", "mergeImages", "override"}
HELPERS = {"binSh", "caCertificates", "examples", "fakeNss", "shadowSetup", "usrBinEnv"}

REQUIRED = {
    "name": '"x"',
    "drv": 'pkgs.busybox // { drvAttrs.builder = "b"; drvAttrs.args = [ ]; }',
    "imageName": '"example.org/a/b"',
    "imageDigest": '"sha256:0"',
    "fromImage": 'pkgs.busybox // { name = "tree"; }',
}

OVERLAY = """
  let
    previous.dockerTools = {
      override = _: { };
      writeReferences = "theirs";
      fakeNss = "theirs";
    };
    final = pkgs // previous // import ./nix/docker-tools/overlay.nix final previous;
  in
"""


@pytest.mark.parametrize("function", THEIRS)
def test_the_arguments_are_theirs(nix, function):
    arguments = f"(let f = dockerTools.{function}; in f.__functionArgs or (builtins.functionArgs f))"
    found = nix.evaluate(arguments)
    if function == "buildNixShellImage":  # it hands all others on, which reject what they do not know
        found |= nix.evaluate("builtins.functionArgs dockerTools.streamNixShellImage")
    assert set(found) >= set(THEIRS[function])
    assert set(found) - set(THEIRS[function]) <= OURS
    required = {name for name, default in THEIRS[function].items() if default is None}
    assert {name for name, has_default in found.items() if not has_default} == required


@pytest.mark.parametrize("function", THEIRS)
def test_the_defaults_are_theirs(nix, function):
    """By the result that comes of them: another value makes another."""
    arguments = THEIRS[function]
    short = " ".join(f"{name} = {REQUIRED[name]};" for name, default in arguments.items() if default is None)
    long = " ".join(f"{name} = {default};" for name, default in arguments.items() if default is not None)
    tools = "dockerTools.override { buildPackages = pkgs.buildPackages // { skopeo = pkgs.busybox; }; }"
    both = f"(tools.{function} {{ {short} }}).outPath == (tools.{function} {{ {short} {long} }}).outPath"
    assert nix.evaluate(f"let tools = {tools}; in {both}")


def test_the_overlay_has_all_of_them_and_keeps_the_rest(nix):
    names = nix.evaluate(OVERLAY + "builtins.attrNames final.dockerTools")
    assert set(names) == {*THEIRS, *OTHER_FUNCTIONS, *HELPERS, "writeReferences"}


def test_the_overlay_replaces_functions_and_keeps_helpers(nix):
    found = nix.evaluate(OVERLAY + """[
          (final.dockerTools.buildImage { name = "x"; }).imageName
          final.dockerTools.fakeNss
          final.dockerTools.writeReferences
          (builtins.isString final.dockerTools.binSh.outPath)
        ]""")
    assert found == ["x", "theirs", "theirs", True]


def test_the_helpers_are_what_theirs_are(nix):
    """Directories with these files; shadowSetup is text."""
    files = {
        "binSh": "bin/sh",
        "usrBinEnv": "usr/bin/env",
        "caCertificates": "etc/ssl/certs/ca-bundle.crt",
        "fakeNss": "etc/passwd",
    }
    for name, file in files.items():
        assert (nix.build(f"dockerTools.{name}") / file).is_symlink() or (
            nix.build(f"dockerTools.{name}") / file
        ).is_file()


def test_lines_can_be_added_to_passwd_and_group(nix):
    tree = nix.build(
        """dockerTools.fakeNss.override { extraPasswdLines = [ "app:x:5:5::/:" ]; extraGroupLines = [ "app:x:5:" ]; }"""
    )
    assert "app:x:5:5::/:\n" in (tree / "etc/passwd").read_text()
    assert "app:x:5:\n" in (tree / "etc/group").read_text()


# What examples.nix of nixpkgs took in two of its versions, and an image as it has them.
EXAMPLES = """
{{ buildImage, buildLayeredImage, {more} pkgs }}:
{{ image = buildImage {{ name = "an-example"; copyToRoot = pkgs.busybox; }}; }}
"""


@pytest.mark.parametrize("more", ["fakeNss, shadowSetup, pkgsCross,", "shadowSetup, streamNixShellImage,"])
def test_the_examples_of_nixpkgs_get_the_functions_that_they_take(nix, tmp_path, more):
    file = tmp_path / "pkgs" / "build-support" / "docker" / "examples.nix"
    file.parent.mkdir(parents=True)
    file.write_text(EXAMPLES.format(more=more))
    found = nix.evaluate(f"""
        let
          theirs = pkgs // {{
            path = {tmp_path};
            pkgsCross = {{ }};
            # As nixpkgs' own: other arguments than the function's are an error.
            callPackage = f: given: f (builtins.intersectAttrs (builtins.functionArgs f) (theirs // {{ pkgs = theirs; }}) // given);
          }};
        in (import ./. {{ pkgs = theirs; }}).dockerTools.examples.image.imageName
        """)
    assert found == "an-example"

"""What an update of an image sends to a registry: an edited file its own layer, a new package its own."""

import json

import pytest

from engines import registry

# A program with a library and a tool, and the user's files, which mention the tool.
APP = """
let
  app = { word ? "morning", tool ? "1", library ? "1" }: rec {
    libraryPath = builtins.toFile "library" "the library ${library}";
    program = builtins.toFile "program" "uses ${libraryPath}";
    toolPath = builtins.toFile "tool" "the tool ${tool}";
    files = {
      "/etc/motd".text = "good ${word}";
      "/bin/tool".link = toolPath;
    };
    config.Cmd = [ "${program}" ];
    # A directory that a derivation makes: only its references tell what it needs.
    tree = derivation {
      name = "tree";
      inherit (pkgs.stdenv.buildPlatform) system;
      builder = "/bin/sh";
      args = [ "-c" "${pkgs.busybox}/bin/mkdir $out; echo good ${word} ${toolPath} > $out/greeting" ];
    };
    base = mkImage { name = "base"; config.Env = [ "TOOL=${toolPath}" ]; };
  };
in
with app
"""

IMAGES = {
    "files": 'mkImage { name = "app"; inherit files config; }',
    "tree": 'mkImage { name = "app"; copyToRoot = tree; inherit config; }',
    "on-an-image": 'mkImage { name = "app"; fromImage = base; inherit files config; }',
    "on-an-archive": 'mkImage { name = "app"; fromImage = base.dockerArchive; inherit files config; }',
    "merge-parent": 'mergeParent { parent = base; image = mkImage { name = "app"; inherit files config; }; }',
}


@pytest.fixture(params=IMAGES)
def release(request, nix, builder, need, scratch):
    """``release(word="evening")`` builds that version of the image and pushes it to a registry.

    Returns the layers that were sent, lowest first, each by the names of its store paths, and `files` for other files.
    """
    need(*registry.NEEDS, root=True)

    def done(*argv: object) -> str:
        process = builder(*argv)
        assert (process.returncode, process.stderr) == (0, "")
        return process.stdout

    with registry.serve(scratch) as hub:
        address = f"docker://{hub.host}/app"

        def push(**version: str) -> list[list[str]]:
            arguments = " ".join(f'{key} = "{value}";' for key, value in version.items())
            image = nix.build(f"{APP} {{ {arguments} }}; {IMAGES[request.param]}")
            before = len(hub.uploads())
            done("push-image", image, address)
            sent = hub.uploads()[before:]
            layers = json.loads(done("explain-image", address, "--json"))["layers"]
            # Parent and image may both have a layer: it is sent once.
            by_digest = {layer["digest"]: layer for layer in layers}
            return [contents(layer) for digest, layer in by_digest.items() if digest in sent]

        yield push


def contents(layer: dict) -> list[str]:
    files = ["files"] if layer["outside"]["files"] else []
    return [path[44:] for path in layer["storePaths"]] + files


def test_an_edited_file_sends_its_layer_alone(release):
    first = release()
    assert first[-1] == ["files"] and sorted(sum(first[:-1], [])) == ["library", "program", "tool"]
    assert release(word="evening") == [["files"]]


def test_a_new_version_of_a_package_sends_what_refers_to_it(release):
    release()
    assert sorted(release(library="2")) == [["library"], ["program"]]


def test_the_same_version_sends_nothing(release):
    release()
    assert release() == []

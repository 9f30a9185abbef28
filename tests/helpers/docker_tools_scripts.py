"""The scripts that check dockerTools' functions on an engine, as Nix expressions: their images are built first."""

NEEDS = ("bash", "fakeroot", "nginx", "redis-server", "skopeo", "useradd", "zstd")  # programs in the images

# dockerTools comes from the overlay, as for users of nixpkgs.
SCRIPT = """
  let
    packages = import ./tests/docker_tools/packages.nix {{ }};
    pkgs = packages // import ./nix/docker-tools/overlay.nix pkgs {{ dockerTools.override = _: {{ }}; }};
    inherit (pkgs) dockerTools;
  in
  import ./nix/docker-tools/run-bash.nix {{ inherit pkgs; }} "script.py" {{
    text = import ./tests/docker_tools/vm-test-script.nix {{
      inherit pkgs dockerTools;
      images = {images};
      script = ./tests/docker_tools/{script};
    }};
    passAsFile = [ "text" ];
  }} "cp $textPath $out"
"""


def script(images: str, name: str) -> str:
    """The expression of the script NAME, preceded by a table of IMAGES, an expression too."""
    return SCRIPT.format(images=images, script=name)


def _images(file: str) -> str:
    return f"import ./tests/docker_tools/{file} {{ inherit pkgs dockerTools; }}"


SCRIPTS = {
    "cases": script(_images("cases.nix"), "vm-test.py"),
    "patterns": script(_images("patterns.nix"), "patterns.py"),
}

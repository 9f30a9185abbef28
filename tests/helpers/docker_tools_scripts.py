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
      images = import ./tests/docker_tools/{images} {{ inherit pkgs dockerTools; }};
      script = ./tests/docker_tools/{script};
    }};
    passAsFile = [ "text" ];
  }} "cp $textPath $out"
"""
SCRIPTS = {
    "cases": SCRIPT.format(images="cases.nix", script="vm-test.py"),
    "patterns": SCRIPT.format(images="patterns.nix", script="patterns.py"),
}

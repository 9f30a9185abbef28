{ pkgs }:

let
  python = pkgs.buildPackages.python3.interpreter;
  inherit (pkgs.stdenv.buildPlatform) system;

  # Runs a few lines of Python; what they need to know is in ATTRS, which they find in their environment.
  runPython =
    name: attrs: script:
    derivation (
      {
        inherit name system;
        builder = python;
        args = [
          "-I"
          "-B"
          "-c"
          script
        ];
      }
      // attrs
    );

  # Python's sources alone: neither what Python caches there nor what an editor leaves changes the library.
  sources = builtins.path {
    name = "laminix-sources";
    path = ../lib/laminix;
    filter =
      path: type:
      if type == "directory" then
        baseNameOf path != "__pycache__"
      else
        builtins.match ".*\\.py" path != null;
  };

  # Compiled, and never checked against the sources, whose time stamps say nothing in a store.
  library = runPython "laminix-library" { inherit sources; } ''
    import compileall, os, shutil
    from py_compile import PycInvalidationMode

    out = os.environ["out"]
    shutil.copytree(os.environ["sources"], f"{out}/laminix", copy_function=shutil.copyfile)
    for directory, _, _ in os.walk(out):
        os.chmod(directory, 0o755)
    compileall.compile_dir(out, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
  '';
in

/**
  A package with the builders of those names in bin/, as they are found in builders/.

  They run on this package set's Python and share one compiled library, which lib/ is a link to.

  # Type

  ```
  buildersPackage :: String -> [ String ] -> Derivation
  ```
*/
name: builders:

runPython name
  {
    inherit library python;
    builders = builtins.path {
      name = "laminix-builders";
      path = ../builders;
      filter = path: type: builtins.elem (baseNameOf path) builders;
    };
  }
  ''
    import os

    source, out = os.environ["builders"], os.environ["out"]
    os.makedirs(f"{out}/bin")
    os.symlink(os.environ["library"], f"{out}/lib")
    for builder in os.listdir(source):
        with open(f"{source}/{builder}") as script, open(f"{out}/bin/{builder}", "w") as program:
            next(script)  # names whatever Python is on PATH
            program.write(f"#!{os.environ['python']} -IBS\n")
            program.writelines(script)
            os.fchmod(program.fileno(), 0o755)
  ''

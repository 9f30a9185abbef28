{ pkgs }:

let
  python = pkgs.buildPackages.python3.interpreter;
  inherit (pkgs.stdenv.buildPlatform) system;

  # Run a Python script as a derivation.  It finds `attrs` in its environment.
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

  # Only the Python sources, so that bytecode caches and editors' files do not change the library.
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

  # Unchecked bytecode: in the store all files have the same time stamp, so Python could not notice a change.
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
  Make a package of the named builders.  Its bin/ contains the executables, its lib/ is a link to the compiled
  library, which all such packages share.

  # Type

  ```
  buildersPackage :: String -> [ String ] -> Derivation
  ```

  The package of all builders also has man pages and shell completions in share/.

  The builders run with the Python of `pkgs.buildPackages`.
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
    import os, subprocess

    source, out = os.environ["builders"], os.environ["out"]
    os.makedirs(f"{out}/bin")
    os.symlink(os.environ["library"], f"{out}/lib")
    for builder in os.listdir(source):
        with open(f"{source}/{builder}") as script, open(f"{out}/bin/{builder}", "w") as program:
            next(script)  # names whatever Python is on PATH
            program.write(f"#!{os.environ['python']} -IBS\n")
            program.writelines(script)
            os.fchmod(program.fileno(), 0o755)

    # The whole package also has man pages and completions.
    manual = out + "/bin/" + "mk-manual"
    if os.path.exists(manual):
        programs = sorted(f"{out}/bin/{builder}" for builder in os.listdir(source))
        subprocess.run([manual, "--out", f"{out}/share", *programs], check=True)
  ''

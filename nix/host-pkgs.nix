/**
  Stand-ins for the few packages of nixpkgs that laminix and its examples use, taken from the Debian
  host's /usr at evaluation.  For machines without `<nixpkgs>`: downloads nothing, needs impure evaluation.

  dpkg's lists say which shared libraries come with a program's package and with those that it depends on.
  Which of them a program needs is read from the files when its stand-in is built.

  Every program is started through the host's dynamic loader by its store path, because the host's own
  programs name a loader (/lib64/…) that no sandbox has.
*/
{
  system ? builtins.currentSystem,
}:

let
  machines = {
    x86_64-linux = {
      libraries = "lib/x86_64-linux-gnu";
      loader = "ld-linux-x86-64.so.2";
      debianArchitecture = "amd64";
      goArchitecture = "amd64";
    };
    aarch64-linux = {
      libraries = "lib/aarch64-linux-gnu";
      loader = "ld-linux-aarch64.so.1";
      debianArchitecture = "arm64";
      goArchitecture = "arm64";
    };
  };

  missing = what: remedy: throw "laminix: no <nixpkgs>, and ${what}; ${remedy}, or pass pkgs";

  machine =
    machines.${system}
      or (missing "no stand-ins for ${system}" "use ${toString (builtins.attrNames machines)}");

  inherit (machine) libraries;

  # Each file is named exactly: evaluation lists no directory of /usr that packages have in common, which may
  # change meanwhile.
  isInUsr = path: builtins.pathExists (/usr + "/${path}");
  fromUsr =
    path:
    builtins.path {
      name = baseNameOf path;
      path = /usr + "/${path}";
    };

  # The installed packages, by name, each as the lines of its paragraph.
  installed =
    let
      json =
        builtins.replaceStrings
          [ "\\" "\"" "\t" "\n\n" "\n" ]
          [ "\\\\" "\\\"" "\\t" "\"],[\"" "\",\"" ]
          (builtins.readFile /var/lib/dpkg/status);
      paragraphs = builtins.fromJSON "[[\"${json}\"]]";
      nameOf = lines: builtins.substring (builtins.stringLength "Package: ") (-1) (builtins.head lines);
    in
    builtins.listToAttrs (
      map (lines: {
        name = nameOf lines;
        value = lines;
      }) paragraphs
    );

  # The names of the packages that an installed package depends on, alternatives included.
  dependencies =
    package:
    let
      lines = map (builtins.match "(Pre-)?Depends: (.*)") installed.${package};
      texts = map (match: builtins.elemAt match 1) (builtins.filter (match: match != null) lines);
      items = builtins.concatMap (text: builtins.filter builtins.isString (builtins.split "[,|] *" text)) texts;
    in
    map (item: builtins.head (builtins.match "([^ (:]+).*" item)) items;

  # The shared libraries in those of PACKAGES that are installed and all that they depend on, each as a store path.
  librariesOf =
    packages:
    let
      toItems = names: map (key: { inherit key; }) (builtins.filter (name: installed ? ${name}) names);
      closure = builtins.genericClosure {
        startSet = toItems packages;
        operator = { key }: toItems (dependencies key);
      };
      list = name: "/var/lib/dpkg/info/${name}.list";
      filesOf =
        name:
        let
          ofMachine = list "${name}:${machine.debianArchitecture}";
          files = builtins.filter builtins.pathExists [
            ofMachine
            (list name)
          ];
        in
        if files == [ ] then
          [ ]
        else
          builtins.filter builtins.isString (builtins.split "\n" (builtins.readFile (builtins.head files)));
      libraryOf = builtins.match "(/usr)?/${libraries}/(lib[^/]+\\.so[0-9.]*)";
      files = builtins.concatMap (item: filesOf item.key) closure;
      found = builtins.filter (match: match != null) (map libraryOf files);
      places = map (match: "${libraries}/${builtins.elemAt match 1}") found;
    in
    if closure != [ ] then
      # Links have the names under which programs ask for libraries; so do the libraries themselves.
      [ loader ]
      ++ map fromUsr (
        builtins.filter (place: isInUsr place && builtins.readFileType (/usr + "/${place}") == "regular") places
      )
    else
      missing "${builtins.head packages} is not installed" "apt-get install ${builtins.head packages}";

  loader = fromUsr "${libraries}/${machine.loader}";

  pythonVersion =
    let
      isThere = version: isInUsr "bin/python${version}" && isInUsr "lib/python${version}/os.py";
      found = builtins.filter isThere (map (minor: "3.${toString minor}") [ 20 19 18 17 16 15 14 13 12 11 ]);
    in
    if found == [ ] then
      missing "/usr/bin has no Python 3.11 or later" "apt-get install python3"
    else
      builtins.head found;

  pythonProgram = fromUsr "bin/python${pythonVersion}";
  # Debian's Python uses the last two where they are, and does not depend on them.
  pythonLibraries = librariesOf [
    "python${pythonVersion}"
    "libmpdec4"
    "libmpdec3"
  ];

  pythonModules = builtins.path {
    name = "python${pythonVersion}";
    path = /usr/lib + "/python${pythonVersion}";
    filter =
      path: _:
      builtins.match (
        ".*/(__pycache__|config-.*|test|idlelib|ensurepip|pydoc_data|turtle.*|_pyrepl|sitecustomize\\.py"
        + "|xx.*\\.so|.*test.*\\.so|(_curses|_curses_panel|_dbm|_uuid|readline)\\..*\\.so)"
      ) path == null;
  };

  # Python from the files alone, for what is built before there is a package of it.  Libraries that are loaded
  # beforehand are not searched for.
  runBootstrapPython =
    name: attributes: script:
    derivation (
      {
        inherit name system;
        builder = loader;
        args = [
          "--preload"
          (builtins.concatStringsSep ":" (
            builtins.filter (path: builtins.match ".*-lib(c|expat|m|z)\\.so.*" path != null) pythonLibraries
          ))
          pythonProgram
          "-S"
          "-B"
          "-c"
          (builtins.readFile ./host-libraries.py + script)
        ];
        PYTHONHOME = pythonModules; # which has no modules where Python expects them
        PYTHONPATH = "${pythonModules}:${pythonModules}/lib-dynload";
      }
      // attributes
    );

  # A script that starts PROGRAM, a file of the package, with the package's libraries and no others.
  writeStarter = ''
    def write_starter(name, program, argv0):
        """Write bin/NAME, which starts PROGRAM, a file of this package, with the libraries in lib/shared."""
        out = os.environ["out"]
        os.makedirs(f"{out}/bin", exist_ok=True)
        loader = f"{out}/lib/shared/${machine.loader}"
        shutil.copyfile("${loader}", loader)
        os.chmod(loader, 0o755)
        with open(f"{out}/bin/{name}", "w") as file:
            file.write(f"#!${busybox}/bin/sh\nexec {loader} --library-path {out}/lib/shared"
                       f' --argv0 {argv0} {program} "$@"\n')
            os.fchmod(file.fileno(), 0o755)
  '';

  # With the standard library compiled: the store sets every time stamp, which voids the host's .pyc files.
  python3 =
    runBootstrapPython "python3-${pythonVersion}"
      {
        program = pythonProgram;
        modules = pythonModules;
        candidates = pythonLibraries;
      }
      (
        writeStarter
        + ''
          import compileall
          from py_compile import PycInvalidationMode

          out = os.environ["out"]
          program, modules = f"{out}/libexec/python${pythonVersion}", f"{out}/lib/python${pythonVersion}"
          os.makedirs(os.path.dirname(program))
          shutil.copyfile(os.environ["program"], program)
          shutil.copytree(os.environ["modules"], modules)
          for directory, _, _ in os.walk(out):
              os.chmod(directory, 0o755)
          candidates = os.environ["candidates"].split()
          # Python loads this one when a thread ends.
          libraries = libraries_for([program], candidates, ["libgcc_s.so.1"])
          for extension in os.scandir(f"{modules}/lib-dynload"):
              try:
                  libraries |= libraries_for([extension.path], candidates)
              except SystemExit:  # Debian's Python does without it as well
                  os.unlink(extension.path)
          copy_libraries(libraries, f"{out}/lib/shared")
          compileall.compile_dir(modules, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
          # Python looks for its modules beside the name it is called by.
          write_starter("python3", program, f"{out}/bin/python3")
        ''
      );

  runPython =
    name: attributes: script:
    derivation (
      {
        inherit name system;
        builder = "${python3}/bin/python3";
        args = [
          "-I"
          "-B"
          "-c"
          script
        ];
      }
      // attributes
    );

  busybox =
    let
      file =
        if isInUsr "bin/busybox" then
          fromUsr "bin/busybox"
        else
          missing "/usr/bin has no busybox" "apt-get install busybox-static";
    in
    runBootstrapPython "busybox" { busybox = file; } ''
      import subprocess

      bin = os.environ["out"] + "/bin"
      os.makedirs(bin)
      shutil.copyfile(os.environ["busybox"], f"{bin}/busybox")
      os.chmod(f"{bin}/busybox", 0o755)
      try:
          applets = subprocess.check_output([f"{bin}/busybox", "--list"], text=True).split()
      except OSError as error:
          sys.exit(f"laminix: the host's busybox is not static ({error}): apt-get install busybox-static")
      for applet in applets:
          if applet != "busybox":
              os.symlink("busybox", f"{bin}/{applet}")
    '';

  /**
    A package of programs from the host's /usr, with the shared libraries that they are given.

    # Type

    ```
    fromHost :: { name, package :: String, programs, data :: [ String ] } -> Derivation
    ```

    `programs` are names in /usr/bin or /usr/sbin, `package` is the Debian package that they are from; they get
    the shared libraries that they need.  `data` are files and directories below /usr that come along under the
    same path.  The programs of the result are started by scripts for busybox's shell, so that they run in an
    image that has no other.
  */
  fromHost =
    {
      name,
      package ? name,
      programs ? [ name ],
      data ? [ ],
    }:
    let
      place =
        program:
        if isInUsr "bin/${program}" then
          "bin/${program}"
        else if isInUsr "sbin/${program}" then
          "sbin/${program}"
        else
          missing "/usr/bin has no ${program}" "apt-get install ${package}";
    in
    runBootstrapPython name
      {
        inherit programs data;
        programFiles = map (program: fromUsr (place program)) programs;
        dataFiles = map fromUsr data;
        candidates = librariesOf [ package ];
      }
      (
        writeStarter
        + ''
          out = os.environ["out"]
          os.makedirs(f"{out}/libexec")
          programs = []
          for name, file in zip(os.environ["programs"].split(), os.environ["programFiles"].split()):
              if os.path.islink(file):  # to another one of them
                  os.symlink(os.readlink(file), f"{out}/libexec/{name}")
              else:
                  shutil.copyfile(file, f"{out}/libexec/{name}")
                  programs.append(f"{out}/libexec/{name}")
          copy_libraries(libraries_for(programs, os.environ["candidates"].split()), f"{out}/lib/shared")
          for name in os.environ["programs"].split():
              write_starter(name, f"{out}/libexec/{name}", '"$0"')
          for place, file in zip(os.environ["data"].split(), os.environ["dataFiles"].split()):
              os.makedirs(os.path.dirname(f"{out}/{place}"), exist_ok=True)
              copy = shutil.copytree if os.path.isdir(file) else shutil.copyfile
              copy(file, f"{out}/{place}")
        ''
      );

  bash = fromHost { name = "bash"; };

  zstd = fromHost { name = "zstd"; };

  coreutils = fromHost {
    name = "coreutils";
    programs = [
      "basename"
      "cat"
      "chmod"
      "chown"
      "cp"
      "cut"
      "date"
      "dirname"
      "echo"
      "env"
      "head"
      "id"
      "install"
      "ln"
      "ls"
      "mkdir"
      "mktemp"
      "mv"
      "printf"
      "pwd"
      "readlink"
      "realpath"
      "rm"
      "rmdir"
      "seq"
      "sha256sum"
      "sleep"
      "sort"
      "stat"
      "tail"
      "test"
      "touch"
      "tr"
      "true"
      "uname"
      "wc"
    ];
  };

  nix = fromHost {
    name = "nix";
    package = "nix-bin";
    programs = [
      "nix"
      "nix-store"
    ];
  };

  cacert =
    let
      authorities = builtins.path {
        name = "authorities";
        path = /usr/share/ca-certificates/mozilla;
      };
    in
    runPython "cacert" { inherit authorities; } ''
      import os, pathlib

      place = pathlib.Path(os.environ["out"]) / "etc/ssl/certs"
      place.mkdir(parents=True)
      authorities = sorted(pathlib.Path(os.environ["authorities"]).iterdir())
      (place / "ca-bundle.crt").write_text("".join(file.read_text() for file in authorities))
    '';

  # The host's fakeroot is a script that names its parts by their places in /usr.
  fakeroot =
    let
      parts = fromHost {
        name = "fakeroot-parts";
        package = "fakeroot";
        programs = [ "faked-sysv" ];
        data = [
          "bin/fakeroot-sysv"
          "${libraries}/libfakeroot/libfakeroot-sysv.so"
        ];
      };
    in
    runPython "fakeroot" { inherit parts busybox; } ''
      import os

      out, parts, busybox = os.environ["out"], os.environ["parts"], os.environ["busybox"]
      os.makedirs(f"{out}/bin")
      with open(f"{out}/bin/fakeroot", "w") as file:
          file.write(f"#!{busybox}/bin/sh\nPATH=$PATH:{busybox}/bin\n"
                     f"exec {busybox}/bin/sh {parts}/bin/fakeroot-sysv"
                     f" --lib {parts}/${libraries}/libfakeroot/libfakeroot-sysv.so"
                     f' --faked {parts}/bin/faked-sysv "$@"\n')
          os.fchmod(file.fileno(), 0o755)
    '';

  packages = {
    inherit
      bash
      busybox
      cacert
      coreutils
      fakeroot
      fromHost
      nix
      ;
    ${if isInUsr "bin/zstd" then "zstd" else null} = zstd;
    runtimeShell = "${bash}/bin/bash";
    python3 = python3 // {
      interpreter = "${python3}/bin/python3";
      pythonVersion = pythonVersion;
      meta.mainProgram = "python3";
    };
    stdenv = {
      buildPlatform = platform;
      hostPlatform = platform;
    };
  };

  platform = {
    inherit system;
    go.GOARCH = machine.goArchitecture;
    uname.processor = builtins.head (builtins.match "(.*)-linux" system);
  };
in
packages // { buildPackages = packages; }

/**
  Stand-ins for the few packages of nixpkgs that laminix and its examples use, taken from the Debian
  host's /usr at evaluation.  For machines without `<nixpkgs>`: downloads nothing, needs impure evaluation.

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
      goArchitecture = "amd64";
    };
    aarch64-linux = {
      libraries = "lib/aarch64-linux-gnu";
      loader = "ld-linux-aarch64.so.1";
      goArchitecture = "arm64";
    };
  };

  missing = what: remedy: throw "laminix: no <nixpkgs>, and ${what}; ${remedy}, or pass pkgs";

  machine =
    machines.${system}
      or (missing "no stand-ins for ${system}" "use ${toString (builtins.attrNames machines)}");

  inherit (machine) libraries;

  # What stands directly in a directory of /usr, by name; nothing where there is no such directory.
  inUsr =
    directory:
    let
      path = /usr + "/${directory}";
    in
    if builtins.pathExists path then builtins.readDir path else { };

  # The entries of /usr whose path below it is wanted, parents included, as a store path.
  fromUsr =
    name: wanted:
    builtins.path {
      inherit name;
      path = /usr;
      filter = path: _: wanted (builtins.substring (builtins.stringLength "/usr/") (-1) path);
    };

  # Whether FILE is the library NAME, of any version.
  isNamed = name: file: builtins.match "lib(.+)\\.so[0-9.]*" file == [ name ];

  isLibrary =
    names: path:
    path == "lib"
    || path == libraries
    || dirOf path == libraries
    && (
      baseNameOf path == machine.loader
      || builtins.any (name: isNamed name (baseNameOf path)) names
    );

  # The command, as words, that runs a program of /usr with those libraries and no others.
  command = files: [
    "${files}/${libraries}/${machine.loader}"
    "--library-path"
    "${files}/${libraries}"
  ];

  pythonMinors =
    let
      minor = name: builtins.match "python3\\.([0-9]+)" name;
      found = builtins.filter (name: minor name != null) (builtins.attrNames (inUsr "bin"));
      known = map (name: builtins.fromJSON (builtins.head (minor name))) found;
    in
    builtins.filter (number: number >= 11 && inUsr "lib/python3.${toString number}" != { }) known;

  pythonVersion =
    if pythonMinors == [ ] then
      missing "/usr/bin has no Python 3.11 or later" "apt-get install python3"
    else
      "3.${toString (builtins.foldl' (a: b: if a > b then a else b) 0 pythonMinors)}";

  pythonProgram = fromUsr "python3-program" (
    path:
    path == "bin"
    || path == "bin/python${pythonVersion}"
    || isLibrary [ "bz2" "c" "crypto" "expat" "ffi" "lzma" "m" "mpdec" "sqlite3" "ssl" "z" "zstd" ] path
  );

  pythonModules = fromUsr "python3-modules" (
    path:
    path == "lib"
    || builtins.match "lib/python${pythonVersion}(/.*)?" path != null
    && builtins.match (
      ".*/(__pycache__|config-.*|test|idlelib|ensurepip|pydoc_data|turtle.*|_pyrepl|sitecustomize\\.py"
      + "|xx.*\\.so|.*test.*\\.so|(_curses|_curses_panel|_dbm|_uuid|readline)\\..*\\.so)"
    ) path == null
  );

  # With the standard library compiled: the store sets every time stamp, which voids the host's .pyc files.
  python3 = derivation {
    name = "python3-${pythonVersion}";
    inherit system;
    builder = builtins.head (command pythonProgram);
    args = builtins.tail (command pythonProgram) ++ [
      "--argv0" # Python looks for its modules beside the name it is called by
      "${pythonModules}/bin/python3"
      "${pythonProgram}/bin/python${pythonVersion}"
      "-I"
      "-c"
      ''
        import compileall, os, shutil
        from py_compile import PycInvalidationMode

        out = os.environ["out"]
        library = f"{out}/lib/python${pythonVersion}"
        shutil.copytree("${pythonModules}/lib/python${pythonVersion}", library)
        for directory, _, _ in os.walk(out):
            os.chmod(directory, 0o755)
        compileall.compile_dir(library, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        os.mkdir(f"{out}/bin")
        with open(f"{out}/bin/python3", "w") as file:
            file.write(f'#!/bin/sh\nexec ${toString (command pythonProgram)} --argv0 {file.name} '
                       '${pythonProgram}/bin/python${pythonVersion} "$@"\n')
            os.fchmod(file.fileno(), 0o755)
      ''
    ];
  };

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
        if inUsr "bin" ? busybox then
          fromUsr "busybox-file" (path: path == "bin" || path == "bin/busybox")
        else
          missing "/usr/bin has no busybox" "apt-get install busybox-static";
    in
    runPython "busybox" { busybox = file; } ''
      import os, shutil, subprocess, sys

      bin = os.environ["out"] + "/bin"
      shutil.copytree(os.environ["busybox"] + "/bin", bin)
      os.chmod(bin, 0o755)
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
    fromHost :: { name :: String, programs, libraries, data :: [ String ] } -> Derivation
    ```

    `programs` are names in /usr/bin or /usr/sbin, `libraries` what `ldd` lists, without `lib` and `.so…`;
    `data` are files and directories below /usr that come along under the same path.  The result's programs
    are scripts for busybox's shell, so that they run in an image that has no other.
  */
  fromHost =
    {
      name,
      programs ? [ name ],
      libraries ? [ ],
      data ? [ ],
    }:
    let
      place =
        program:
        if inUsr "bin" ? ${program} then
          "bin/${program}"
        else if inUsr "sbin" ? ${program} then
          "sbin/${program}"
        else
          missing "/usr/bin has no ${program}" "install it with apt-get";
      places = map place programs;
      # Whether PLACE is PATH or lies in it.
      isIn = path: place: builtins.substring 0 (builtins.stringLength path + 1) "${place}/" == "${path}/";
      isData = path: builtins.any (item: isIn item path || isIn path item) data;
      files = fromUsr "${name}-files" (
        path:
        path == "bin"
        || path == "sbin"
        || builtins.elem path places
        || isLibrary ([ "c" ] ++ libraries) path
        || isData path
      );
    in
    runPython name
      {
        inherit files data;
        shell = "${busybox}/bin/sh";
        command = toString (command files);
        programs = places;
      }
      ''
        import os

        out, files = os.environ["out"], os.environ["files"]
        os.makedirs(f"{out}/bin")
        for place in os.environ["programs"].split():
            with open(f"{out}/bin/{os.path.basename(place)}", "w") as file:
                file.write('#!{shell}\nexec {command} --argv0 "$0" {files}/{place} "$@"\n'
                           .format(place=place, **os.environ))
                os.fchmod(file.fileno(), 0o755)
        for item in os.environ["data"].split():
            os.makedirs(os.path.dirname(f"{out}/{item}"), exist_ok=True)
            os.symlink(f"{files}/{item}", f"{out}/{item}")
      '';

  bash = fromHost {
    name = "bash";
    libraries = [ "tinfo" ];
  };

  zstd = fromHost {
    name = "zstd";
    libraries = [
      "lz4"
      "lzma"
      "xxhash"
      "z"
      "zstd"
    ];
  };

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
    libraries = [
      "acl"
      "attr"
      "cap"
      "crypto"
      "pcre2-8"
      "selinux"
      "z"
      "zstd"
    ];
  };

  nix = fromHost {
    name = "nix";
    programs = [
      "nix"
      "nix-store"
    ];
    libraries = [
      "acl"
      "archive"
      "boost_context"
      "brotlicommon"
      "brotlidec"
      "brotlienc"
      "bsd"
      "bz2"
      "com_err"
      "cpuid"
      "crypto"
      "curl-gnutls"
      "ffi"
      "gc"
      "gcc_s"
      "git2"
      "gmp"
      "gnutls"
      "gssapi_krb5"
      "hogweed"
      "http_parser"
      "idn2"
      "k5crypto"
      "keyutils"
      "krb5"
      "krb5support"
      "lber"
      "ldap"
      "lowdown"
      "lz4"
      "lzma"
      "m"
      "mbedcrypto"
      "mbedtls"
      "mbedx509"
      "md"
      "nettle"
      "nghttp2"
      "p11-kit"
      "pcre2-8"
      "psl"
      "readline"
      "resolv"
      "rtmp"
      "sasl2"
      "seccomp"
      "sodium"
      "sqlite3"
      "ssh2"
      "ssl"
      "stdc++"
      "tasn1"
      "tinfo"
      "unistring"
      "xml2"
      "xxhash"
      "z"
      "zstd"
    ];
  };

  cacert =
    let
      certificates = "share/ca-certificates/mozilla";
      isParent = path: builtins.elem path [ "share" "share/ca-certificates" certificates ];
    in
    runPython "cacert" { authorities = fromUsr "authorities" (path: isParent path || dirOf path == certificates); } ''
      import os, pathlib

      place = pathlib.Path(os.environ["out"]) / "etc/ssl/certs"
      place.mkdir(parents=True)
      authorities = sorted(pathlib.Path(os.environ["authorities"], "${certificates}").iterdir())
      (place / "ca-bundle.crt").write_text("".join(file.read_text() for file in authorities))
    '';

  # The host's fakeroot is a script that names its parts by their places in /usr.
  fakeroot =
    let
      parts = fromHost {
        name = "fakeroot-parts";
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
    ${if inUsr "bin" ? zstd then "zstd" else null} = zstd;
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

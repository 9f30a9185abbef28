{
  binSh,
  fakeNss,
  pkgs,
  runBash,
  streamLayeredImage,
  usrBinEnv,
}:

/**
  dockerTools.streamNixShellImage: build a program that writes an image of a derivation's build environment, as
  nix-shell enters it.

  # Type

  ```
  streamNixShellImage :: { drv :: Derivation, … } -> Derivation
  ```

  nix/docker-tools/README.md describes the arguments.
*/
{
  drv,
  name ? drv.name + "-env",
  tag ? null,
  uid ? 1000,
  gid ? 1000,
  homeDirectory ? "/build",
  shell ? "${pkgs.bashInteractive or pkgs.bash}/bin/bash",
  command ? null,
  run ? null,
}:

let
  fail =
    why: throw "laminix: dockerTools.streamNixShellImage: ${why} (image ${name})";

  buildDirectory = "/build"; # the one of Nix's sandbox

  # A string in single quotes of a shell.
  quoted = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] text}'";

  # An attribute of a derivation as the build finds it in its environment.
  asText = value: if builtins.isList value then toString (map asText value) else toString value;

  file =
    name: text:
    runBash name {
      inherit text;
      passAsFile = [ "text" ];
    } ''cp "$textPath" "$out"'';

  attributes = drv.drvAttrs;
  inFiles = attributes.passAsFile or [ ];
  variables = removeAttrs attributes (
    [
      "args"
      "passAsFile"
    ]
    ++ inFiles
  );
  environment =
    builtins.mapAttrs (_: asText) variables
    // builtins.listToAttrs (
      map (name: {
        name = "${name}Path";
        value = "${file name (asText attributes.${name})}";
      }) inFiles
    )
    # The outputs are to be built, so the image does not contain them.
    // builtins.listToAttrs (
      map (output: {
        name = output;
        value = builtins.unsafeDiscardStringContext drv.${output}.outPath;
      }) (drv.outputs or [ "out" ])
    );

  buildDerivation = runBash "build-derivation" {
    text = ''
      #!${pkgs.bash}/bin/bash
      exec ${builtins.concatStringsSep " " (map (word: quoted (asText word)) ([ attributes.builder ] ++ attributes.args))}
    '';
    passAsFile = [ "text" ];
  } ''
    mkdir -p "$out/bin"
    cp "$textPath" "$out/bin/buildDerivation"
    chmod +x "$out/bin/buildDerivation"
  '';

  path = "${dirOf shell}:${buildDerivation}/bin";

  # What nix-shell runs first.
  startUp = file "nix-shell-rc" ''
    unset PATH
    dontAddDisableDepTrack=1
    if [ -e "$stdenv/setup" ]; then
      source "$stdenv/setup"
    fi
    PATH=${path}''${PATH:+:$PATH}
    SHELL=${quoted shell}
    BASH=${quoted shell}
    set +e
    if [ -n "$PS1" ] && [ -z "$NIX_SHELL_PRESERVE_PROMPT" ]; then
      PS1='\n\[\033[1;32m\][nix-shell:\w]\$\[\033[0m\] '
    fi
    if [ "$(type -t runHook)" = function ]; then
      runHook shellHook
    fi
    unset NIX_ENFORCE_PURITY
    shopt -u nullglob
    shopt -s execfail
    ${if command == null then "" else "${command}\nexit"}
    ${if run == null then "" else "${run}\nexit"}
  '';

  certificates = "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
  settings = {
    SSL_CERT_FILE = certificates;
    NIX_SSL_CERT_FILE = certificates;
    PATH = path;
    HOME = homeDirectory;
    NIX_STORE = builtins.storeDir;
    NIX_BUILD_CORES = "0"; # all of them
    NIX_BUILD_TOP = buildDirectory;
    PWD = buildDirectory;
    TEMP = buildDirectory;
    TEMPDIR = buildDirectory;
    TMP = buildDirectory;
    TMPDIR = buildDirectory;
    TERM = "xterm-256color";
  }
  // environment;

  owner = "${toString uid}:${toString gid}";
in
if attributes.__structuredAttrs or false then
  fail "`drv` (${drv.name}) uses structured attributes, which the environment of a shell cannot contain."
else if command != null && run != null then
  fail "`command` and `run` are both given. Give `command` for an interactive shell, or `run` for one that is not."
else
  streamLayeredImage {
    inherit name tag;
    contents = [
      binSh
      usrBinEnv
      (fakeNss.override {
        extraPasswdLines = [ "nixbld:x:${toString uid}:${toString gid}:Build user:${homeDirectory}:/noshell" ];
        extraGroupLines = [ "nixbld:!:${toString gid}:" ];
      })
    ];
    # The user owns the store and the directory of the build, as a user who has installed Nix for himself.
    fakeRootCommands = ''
      mkdir -p ./nix/store ./nix/var/nix ./etc/nix .${buildDirectory}
      chown -R ${owner} ./nix ./etc/nix .${buildDirectory}
    '';
    config = {
      User = owner;
      Cmd = if run == null then [ shell "--rcfile" "${startUp}" ] else [ shell "${startUp}" ];
      WorkingDir = buildDirectory;
      Env = map (name: "${name}=${settings.${name}}") (builtins.attrNames settings);
    };
  }

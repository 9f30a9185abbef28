/**
  The files that a NixOS of the module nixos-module.nix has, as a JSON file: their texts by path.

  nixpkgs, whose lib.evalModules evaluates modules, is not on every machine that runs these tests.  This evaluates as
  much of the module system as the module uses: one module, options with defaults, and no merging.
*/
{
  pkgs,
  settings,
}:

let
  lib = {
    inherit (builtins) concatStringsSep;
    genAttrs =
      names: value:
      builtins.listToAttrs (
        map (name: {
          inherit name;
          value = value name;
        }) names
      );
    literalExpression = text: text;
    mkDefault = value: value;
    mkEnableOption = _: { default = false; };
    mkIf = condition: content: if condition then content else { };
    mkOption = option: option;
    optional = condition: value: if condition then [ value ] else [ ];
    optionalAttrs = condition: attrs: if condition then attrs else { };
    types = {
      bool = null;
      listOf = _: null;
      package = null;
      path = null;
      port = null;
      str = null;
    };
    unique = builtins.foldl' (done: item: if builtins.elem item done then done else done ++ [ item ]) [ ];
  };

  module = import ../../nix/nixos-module.nix { inherit config lib pkgs; };
  options = module.options.services.laminix;
  config = {
    services.laminix = builtins.mapAttrs (name: option: settings.${name} or option.default) options;
    # It is on the service's PATH, and called for store paths that are missing.
    nix.package = pkgs.busybox;
  };
  unknown = builtins.removeAttrs settings (builtins.attrNames options);

  inherit (module.config.systemd.services) laminix;
  inherit (module.config.systemd.sockets.laminix) listenStreams;

  # As NixOS writes units: a list is several lines, and so an empty string resets it.
  value = value: if builtins.isBool value then (if value then "true" else "false") else toString value;
  lines =
    name: values:
    map (each: "${name}=${value each}") (if builtins.isList values then values else [ values ]);
  section =
    name: attrs:
    "[${name}]\n"
    + builtins.concatStringsSep "" (
      map (line: "${line}\n") (builtins.concatMap (key: lines key attrs.${key}) (builtins.attrNames attrs))
    );
  variables = laminix.environment // {
    PATH = builtins.concatStringsSep ":" (map (package: "${package}/bin") laminix.path);
  };

  files = {
    "systemd/system/laminix.socket" = section "Socket" { ListenStream = listenStreams; };
    "systemd/system/laminix.service" =
      section "Unit" { Requires = laminix.requires; }
      + section "Service" (
        laminix.serviceConfig
        // {
          Environment = map (name: ''"${name}=${variables.${name}}"'') (builtins.attrNames variables);
        }
      );
  }
  // builtins.mapAttrs (_: file: file.text) module.config.environment.etc;
in
assert unknown == { };
derivation {
  name = "files.json";
  inherit (pkgs.stdenv.buildPlatform) system;
  builder = "/bin/sh";
  args = [
    "-c"
    "while read -r line || [ -n \"$line\" ]; do echo \"$line\"; done <$textPath >$out"
  ];
  text = builtins.toJSON files;
  passAsFile = [ "text" ];
}

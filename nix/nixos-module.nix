/**
  A NixOS module: the machine's Nix store as a registry of images for its container engines, at 127.0.0.1.
*/
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.services.laminix;

  address = "127.0.0.1:${toString cfg.port}";
  hosts = [
    address
    "localhost:${toString cfg.port}"
  ];

  # The registry in an image's name, as engines read it: docker.io unless the first component is a host.
  registryOf =
    name:
    let
      host = builtins.match "([^/]*[.:][^/]*|localhost)/.*" name;
    in
    if host == null then "docker.io" else builtins.head host;
  registriesOf = images: lib.unique (map (image: registryOf (image.imageName or "")) images);

  # containerd asks these in order, and then the registry itself.
  hostsFile = server: {
    text = ''
      ${server}[host."http://${address}"]
        capabilities = ["pull", "resolve"]
    '';
  };
  hostsFiles =
    lib.genAttrs (map (name: "containerd/certs.d/${name}/hosts.toml") cfg.registries) (_: hostsFile "")
    // lib.genAttrs (map (name: "containerd/certs.d/${name}/hosts.toml") hosts) (
      _: hostsFile "server = \"http://${address}\"\n"
    );

  # podman, buildah, skopeo and CRI-O.
  mirrored = registry: ''
    [[registry]]
    location = "${registry}"

    [[registry.mirror]]
    location = "${address}"
    insecure = true
  '';
  plainHttp = host: ''
    [[registry]]
    location = "${host}"
    insecure = true
  '';
in
{
  options.services.laminix = {
    enable = lib.mkEnableOption "a registry at 127.0.0.1 that serves images from the Nix store";

    package = mkOption {
      type = types.package;
      default = import ../. { inherit pkgs; };
      defaultText = lib.literalExpression "import ./laminix { inherit pkgs; }";
      description = "Package with `bin/serve-image`.";
    };

    images = mkOption {
      type = types.listOf types.path;
      default = [ ];
      example = lib.literalExpression "[ (laminix.mkImage { name = \"example.org/app\"; }) ]";
      description = "Images to serve, in any form that `serve-image` reads.";
    };

    port = mkOption {
      type = types.port;
      default = 5000;
      description = "Port at 127.0.0.1.";
    };

    registries = mkOption {
      type = types.listOf types.str;
      default = registriesOf cfg.images;
      defaultText = lib.literalExpression "the registries in the names of `images`";
      example = [ "example.org" ];
      description = "Have containerd and podman ask this machine first for images of these registries.";
    };

    realise = mkOption {
      type = types.bool;
      default = true;
      description = "Get store paths that an image needs and the store lacks from the machine's binary caches.";
    };

    nixPackage = mkOption {
      type = types.package;
      default = config.nix.package;
      defaultText = lib.literalExpression "config.nix.package";
      description = "Nix, for `realise`.";
    };
  };

  config = lib.mkIf cfg.enable {
    systemd.sockets.laminix = {
      description = "Registry of images in the Nix store";
      wantedBy = [ "sockets.target" ];
      listenStreams = [ address ];
    };

    systemd.services.laminix = {
      description = "Registry of images in the Nix store";
      requires = [ "laminix.socket" ];
      path = lib.optional cfg.realise cfg.nixPackage;
      environment = lib.optionalAttrs cfg.realise {
        # nix-store has no right to write to the store itself, and wants a home directory of its user's own.
        NIX_REMOTE = "daemon";
        HOME = "/run/laminix";
      };
      serviceConfig = {
        ExecStart = lib.concatStringsSep " " (
          [
            "${cfg.package}/bin/serve-image"
            "--socket-from-systemd"
          ]
          ++ lib.optional cfg.realise "--realise"
          ++ map toString cfg.images
        );
        DynamicUser = true;
        RuntimeDirectory = "laminix";
        # The socket comes from systemd: the service itself has no network, and reaches Nix's daemon at most.
        PrivateNetwork = true;
        RestrictAddressFamilies = if cfg.realise then [ "AF_UNIX" ] else [ "none" ];
        IPAddressDeny = "any";
        IPAddressAllow = "localhost";
        CapabilityBoundingSet = "";
        NoNewPrivileges = true;
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        PrivateDevices = true;
        PrivateUsers = true;
        PrivateIPC = true;
        DevicePolicy = "closed";
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        ProtectProc = "invisible";
        ProcSubset = "pid";
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        RemoveIPC = true;
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = [
          "@system-service"
          "~@privileged"
          "~@resources"
        ];
        # Python tries calls that it can do without.
        SystemCallErrorNumber = "EPERM";
        UMask = "0077";
      };
    };

    environment.etc = hostsFiles // {
      "containers/registries.conf.d/laminix.conf".text = lib.concatStringsSep "\n" (
        map mirrored cfg.registries ++ map plainHttp hosts
      );
    };

    virtualisation.containerd.settings.plugins."io.containerd.grpc.v1.cri".registry.config_path =
      lib.mkDefault "/etc/containerd/certs.d";
  };
}

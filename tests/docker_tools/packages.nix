/**
  The packages of nix/host-pkgs.nix, plus those that only the tests here need.
*/
{
  system ? builtins.currentSystem,
}:

let
  host = import ../../nix/host-pkgs.nix { inherit system; };
in
host
// rec {
  # pullImage is a derivation of the machine that builds.
  buildPackages = host.buildPackages // {
    inherit skopeo;
  };

  skopeo = host.fromHost { name = "skopeo"; };

  redis = host.fromHost {
    name = "redis";
    package = "redis-server";
    programs = [
      "redis-check-rdb" # what redis-server is a link to
      "redis-cli"
      "redis-server"
    ];
  };

  shadow = host.fromHost {
    name = "shadow";
    package = "passwd";
    programs = [
      "groupadd"
      "useradd"
      "usermod"
    ];
  };

  nginx = host.fromHost { name = "nginx"; };
}

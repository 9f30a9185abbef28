/**
  The packages of nix/host-pkgs.nix, plus those that only the images of cases.nix contain.
*/
{
  system ? builtins.currentSystem,
}:

let
  host = import ../../nix/host-pkgs.nix { inherit system; };
in
host
// {
  redis = host.fromHost {
    name = "redis";
    programs = [
      "redis-check-rdb" # what redis-server is a link to
      "redis-cli"
      "redis-server"
    ];
    libraries = [
      "atomic"
      "cap"
      "crypto"
      "gcc_s"
      "jemalloc"
      "lzf"
      "m"
      "ssl"
      "stdc++"
      "systemd"
      "z"
      "zstd"
    ];
  };

  nginx = host.fromHost {
    name = "nginx";
    libraries = [
      "crypt"
      "crypto"
      "pcre2-8"
      "ssl"
      "z"
      "zstd"
    ];
  };
}

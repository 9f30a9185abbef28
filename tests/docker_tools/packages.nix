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

  skopeo = host.fromHost {
    name = "skopeo";
    libraries = [
      "assuan"
      "gpg-error"
      "gpgme"
      "m"
      "sqlite3"
    ];
  };

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

  shadow = host.fromHost {
    name = "shadow";
    programs = [
      "groupadd"
      "useradd"
      "usermod"
    ];
    libraries = [
      "acl"
      "attr"
      "audit"
      "bsd"
      "bz2"
      "cap-ng"
      "md"
      "pcre2-8"
      "selinux"
      "semanage"
      "sepol"
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

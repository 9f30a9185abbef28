/**
  A floating content-addressed derivation: its store path is known only once it is built.
*/
{ pkgs }:

derivation {
  name = "floating";
  inherit (pkgs.stdenv.buildPlatform) system;
  builder = "/bin/sh";
  args = [
    "-c"
    "echo content > $out"
  ];
  __contentAddressed = true;
  outputHashMode = "recursive";
  outputHashAlgo = "sha256";
}

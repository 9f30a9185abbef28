# Prints a greeting.  The image contains busybox because the config mentions it.
{ mkImage, pkgs }:

mkImage {
  name = "hello";
  config.Cmd = [
    "${pkgs.busybox}/bin/echo"
    "Hello from a container that Nix built, layer by layer."
  ];
}

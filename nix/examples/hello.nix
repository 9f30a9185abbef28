# Prints a greeting.  The config mentions busybox, so busybox is in the image: nothing else is said.
{ mkImage, pkgs }:

mkImage {
  name = "hello";
  config.Cmd = [
    "${pkgs.busybox}/bin/echo"
    "Hello from a container that Nix built, layer by layer."
  ];
}

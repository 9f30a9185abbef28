# The layer of `morning` and `evening`.
{ mkLayer, pkgs }:

mkLayer {
  name = "tools";
  closure = [ pkgs.busybox ];
}

# On a docker archive (for amd64), here one in the tree; it might as well come from pullImage or docker save.
{ mkImage, pkgs }:

mkImage {
  name = "on-archive";
  fromImage = ./on-archive/parent.tar;
  copyToRoot = ./on-archive/child;
  config.Cmd = [
    "${pkgs.busybox}/bin/sh"
    "-c"
    "${pkgs.busybox}/bin/cat /etc/from-parent /etc/from-child && echo $SAID"
  ];
}

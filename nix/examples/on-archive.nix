# Builds on a Docker archive (amd64).  This one is a file beside the example; pullImage or docker save make others.
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

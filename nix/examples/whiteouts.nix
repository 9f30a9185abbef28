# A layer that deletes a file of the layer below it.
{ mkImage, mkLayer, pkgs }:

mkImage {
  name = "whiteouts";
  layers = [
    (mkLayer {
      name = "files";
      copyToRoot = ./whiteouts;
    })
    (mkLayer {
      name = "deletion";
      remove = [ "etc/secret" ];
    })
  ];
  config.Cmd = [
    "${pkgs.busybox}/bin/sh"
    "-c"
    "cd /etc; ${pkgs.busybox}/bin/cat kept; test ! -e secret && echo There is no secret."
  ];
}

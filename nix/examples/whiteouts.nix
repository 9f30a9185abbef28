# Deletes a file of a lower layer.
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

# Serves a directory on port 8080.
{ mkImage, pkgs }:

mkImage {
  name = "web-server";
  copyToRoot = {
    source = ./web-server;
    dest = "/srv/www";
  };
  config = {
    Cmd = [
      "${pkgs.busybox}/bin/httpd"
      "-f"
      "-p"
      "8080"
      "-h"
      "/srv/www"
    ];
    ExposedPorts."8080/tcp" = { };
  };
}

# Shares a layer with `morning`: a registry and an engine keep it once.
{
  mkImage,
  pkgs,
  toolsLayer,
}:

mkImage {
  name = "evening";
  layers = [ toolsLayer ];
  config.Cmd = [
    "${pkgs.busybox}/bin/echo"
    "Good evening."
  ];
}

# Shares a layer with `evening`: a registry and an engine keep it once.
{
  mkImage,
  pkgs,
  toolsLayer,
}:

mkImage {
  name = "morning";
  layers = [ toolsLayer ];
  config.Cmd = [
    "${pkgs.busybox}/bin/echo"
    "Good morning."
  ];
}

# Two images that share a layer, which registries and engines store once.
{
  mkImage,
  mkLayer,
  pkgs,
}:

let
  tools = mkLayer {
    name = "tools";
    closure = [ pkgs.busybox ];
  };
  greeter =
    name: greeting:
    mkImage {
      inherit name;
      layers = [ tools ];
      config.Cmd = [
        "${pkgs.busybox}/bin/echo"
        greeting
      ];
    };
in
{
  morning = greeter "morning" "Good morning.";
  evening = greeter "evening" "Good evening.";
}

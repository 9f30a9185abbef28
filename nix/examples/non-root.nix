# Runs as the user alice, who owns her home directory and can write to it.
{ mkImage, pkgs }:

mkImage {
  name = "non-root";
  copyToRoot = ./non-root;
  perms = [
    {
      path = "home/alice";
      mode = "0700";
      uid = 1000;
      gid = 1000;
    }
    {
      glob = "home/alice/**";
      mode = "0600";
      uid = 1000;
      gid = 1000;
    }
  ];
  config = {
    User = "alice";
    WorkingDir = "/home/alice";
    Env = [ "PATH=${pkgs.busybox}/bin" ];
    Cmd = [
      "sh"
      "-c"
      "id -un && cat letter && echo Thank you. > answer && cat answer"
    ];
  };
}

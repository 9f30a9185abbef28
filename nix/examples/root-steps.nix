# Three scripts run as root on a base, as RUN in a Dockerfile.  A change to one rebuilds this step and those after it.
{
  mkImage,
  pkgs,
  runLayer,
}:

let
  base = mkImage {
    name = "base";
    copyToRoot = pkgs.busybox;
    config.Env = [ "PATH=/bin" ];
  };

  # Adds a user.
  user = runLayer {
    name = "user";
    parent = base;
    script = ''
      mkdir -p /etc /home
      echo root:x:0:0:root:/root:/bin/sh > /etc/passwd
      echo alice:x:1000:1000::/home/alice:/bin/sh >> /etc/passwd
      mkdir -m 700 /home/alice
      chown alice /home/alice
    '';
  };

  # Installs files that belong to her, and a program that runs as root.
  files = runLayer {
    name = "files";
    parent = base;
    layers = [ user ];
    script = ''
      su alice -c 'echo Dear Alice > /home/alice/letter; chmod 600 /home/alice/letter'
      mkdir /srv
      cp /bin/busybox /srv/tool
      chmod 4755 /srv/tool
    '';
  };

  # Deletes files of the base.
  smaller = runLayer {
    name = "smaller";
    parent = base;
    layers = [
      user
      files
    ];
    script = "rm /bin/awk /bin/wget";
  };
in
mkImage {
  name = "root-steps";
  fromImage = base;
  layers = [
    user
    files
    smaller
  ];
  config = {
    User = "alice";
    Cmd = [
      "sh"
      "-c"
      "cat /home/alice/letter && stat -c '%U %a' /home/alice/letter /srv/tool && ! ls /bin/awk 2>/dev/null"
    ];
  };
}

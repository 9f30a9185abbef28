# A web application as a user of its own, which owns its data; the engine asks it whether it is well.
{
  certificateFiles,
  envFiles,
  mkImage,
  pkgs,
  shellFiles,
  userFiles,
}:

mkImage {
  name = "web-application";
  files =
    userFiles { users.web.uid = 1000; }
    // certificateFiles { }
    // shellFiles { }
    // envFiles { }
    // {
      "/tmp" = {
        directory = true;
        mode = "1777";
      };
      "/srv/web" = {
        directory = true;
        uid = 1000;
        gid = 1000;
      };
      "/srv/web/index.html" = {
        source = ./web-server/index.html;
        uid = 1000;
        gid = 1000;
      };
      "/bin/serve" = {
        text = ''
          #!/usr/bin/env sh
          echo "$(id -un) serves /srv/web"
          exec httpd -f -p 8080 -h /srv/web
        '';
        mode = "0755";
      };
    };
  config = {
    User = "web";
    WorkingDir = "/srv/web";
    Env = [
      "PATH=/bin:${pkgs.busybox}/bin"
      "SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt"
    ];
    Cmd = [ "/bin/serve" ];
    ExposedPorts."8080/tcp" = { };
    Healthcheck = {
      Test = [
        "CMD"
        "wget"
        "-q"
        "-O"
        "/dev/null"
        "http://127.0.0.1:8080/"
      ];
      Interval = 30000000000; # nanoseconds: 30 seconds
      Timeout = 5000000000;
    };
  };
}

/**
  What expressions in public repositories do with dockerTools, written as they write it.  patterns.py checks the
  images.  `dockerTools` is that of the overlay.
*/
{
  pkgs,
  dockerTools,
}:

let
  inherit (dockerTools) buildImage buildLayeredImage streamLayeredImage;
  runBash = import ../../nix/docker-tools/run-bash.nix { inherit pkgs; };
  lib.getExe = package: "${package}/bin/${package.meta.mainProgram or package.name}";

  hello = runBash "hello" { } ''
    mkdir -p $out/bin
    printf '#!${pkgs.bash}/bin/bash\necho Hello, "''${1:-world}"!\n' >$out/bin/hello
    chmod +x $out/bin/hello
  '';

  tools = [
    pkgs.bash
    pkgs.coreutils
  ];

  # The attributes of a flake's `self`.
  self = {
    lastModified = 1700000000;
    lastModifiedDate = "20231114221320";
  };
  dated =
    name: created:
    buildLayeredImage {
      inherit name created;
      tag = "latest";
      contents = tools;
    };

  # What a pulled image is to Nix: a file of which nothing is known.
  base = "${
    buildImage {
      name = "base";
      tag = "latest";
      copyToRoot = tools;
      extraCommands = "mkdir -p etc; echo root:x:0:0::/root:/bin/bash >etc/passwd; echo root:x:0: >etc/group; echo of the base >etc/motd";
      config = {
        Entrypoint = [
          "/bin/echo"
          "base:"
        ];
        Cmd = [ "base" ];
        User = "0:0";
        Env = [ "BASE=1" ];
      };
    }
  }";

  spelled =
    name: config:
    buildImage {
      inherit name config;
      tag = "latest";
      fromImage = base;
      copyToRoot = hello;
    };

  healthcheck.Test = [
    "CMD"
    "/bin/true"
  ];
  # What mergeImages of nixpkgs makes: the files of all archives in one directory, the first ones first, with all
  # entries of manifest.json and repositories.
  theirMerge =
    images:
    derivation {
      name = "their-merge.tar";
      inherit (pkgs.stdenv.buildPlatform) system;
      inherit images;
      builder = pkgs.python3.interpreter;
      args = [
        "-c"
        ''
          import io, json, os, tarfile

          files, manifest, repositories = {}, [], {}
          for image in os.environ["images"].split():
              with tarfile.open(image) as tar:
                  for entry in filter(tarfile.TarInfo.isfile, tar):
                      data = tar.extractfile(entry).read()
                      if entry.name == "manifest.json":
                          manifest += json.loads(data)
                      elif entry.name == "repositories":
                          repositories |= json.loads(data)
                      else:
                          files.setdefault(entry.name, data)
          documents = {"manifest.json": manifest, "repositories": repositories}
          files |= {name: json.dumps(document).encode() for name, document in documents.items()}
          with tarfile.open(os.environ["out"], "w") as tar:
              for name, data in sorted(files.items()):
                  entry = tarfile.TarInfo(name)
                  entry.size = len(data)
                  tar.addfile(entry, io.BytesIO(data))
        ''
      ];
    }
    // {
      imageName = "merged";
      imageTag = "latest";
    };

  mergedPart =
    name:
    buildImage {
      inherit name;
      tag = "latest";
      config.Cmd = [
        "${hello}/bin/hello"
        name
      ];
    };
in
rec {
  # The example of the manual.
  redis = buildImage {
    name = "redis";
    tag = "latest";
    copyToRoot = [ pkgs.redis ] ++ tools;
    runAsRoot = ''
      #!${pkgs.bash}/bin/bash
      ${dockerTools.shadowSetup}
      groupadd -r redis
      useradd -r -g redis redis
      mkdir /data
      chown redis:redis /data
      mkdir /tmp
      chmod 1777 /tmp
    '';
    extraCommands = "cat etc/group >groups";
    config = {
      Cmd = [ "/bin/redis-server" ];
      User = "redis";
      WorkingDir = "/data";
      Volumes."/data" = { };
    };
  };
  run-as-root-on-base = buildImage {
    name = "run-as-root-on-base";
    tag = "latest";
    fromImage = base;
    copyToRoot = [ hello ];
    runAsRoot = ''
      ${dockerTools.shadowSetup}
      useradd --create-home app
      echo and of the image >>/etc/motd
      ln -s ${pkgs.busybox}/bin/busybox /echo
    '';
    config.Entrypoint = [ "/bin/bash" "-c" ];
  };

  fake-chroot = streamLayeredImage {
    name = "fake-chroot";
    tag = "latest";
    contents = tools;
    enableFakechroot = true;
    fakeRootCommands = ''
      ${dockerTools.shadowSetup}
      groupadd --system app
      useradd --system --gid app app
      mkdir -p /var/lib/app
      chown -R app:app /var/lib/app
    '';
    config.User = "app";
  };
  fake-chroot-relative = buildLayeredImage {
    name = "fake-chroot-relative";
    tag = "latest";
    contents = tools;
    enableFakechroot = true;
    extraCommands = "mkdir -p srv";
    fakeRootCommands = ''
      mkdir -p ./home/app
      chown 1000:1000 ./home/app srv
      ln -s ${hello} ./hello
    '';
  };
  fake-chroot-alone = buildLayeredImage {
    name = "fake-chroot-alone";
    tag = "latest";
    contents = tools;
    enableFakechroot = true;
  };

  cmd-string = buildLayeredImage {
    name = "cmd-string";
    tag = "latest";
    config.Cmd = lib.getExe hello;
  };
  entrypoint-string = buildImage {
    name = "entrypoint-string";
    tag = "latest";
    config.Entrypoint = "${hello}/bin/hello";
    config.Cmd = [ "you" ];
  };

  created-seconds = dated "created-seconds" "@${toString self.lastModified}";
  created-date = dated "created-date" "2023-11-14";
  created-zone = dated "created-zone" "2023-11-14 22:13:20 +0000";
  created-eight = dated "created-eight" (builtins.substring 0 8 self.lastModifiedDate);
  created-fourteen = dated "created-fourteen" self.lastModifiedDate;

  nix-of-a-user = buildLayeredImage {
    name = "nix-of-a-user";
    tag = "latest";
    contents = tools ++ [ pkgs.nix ];
    includeNixDB = true;
    fakeRootCommands = "chown -R 1000:1000 nix";
    config.User = "1000:1000";
  };

  spelled-entrypoint = spelled "spelled-entrypoint" { EntryPoint = [ "/bin/hello" ]; };
  spelled-capitals = spelled "spelled-capitals" {
    ENTRYPOINT = [ "/bin/hello" ];
    CMD = [ "CMD" ];
  };
  spelled-small = spelled "spelled-small" {
    cmd = [ "small" ];
    env = [ "SMALL=1" ];
  };

  nested-contents = buildLayeredImage {
    name = "nested-contents";
    tag = "latest";
    contents = [
      tools
      ""
      null
      [ [ hello ] ]
    ];
  };
  nested-copy-to-root = buildImage {
    name = "nested-copy-to-root";
    tag = "latest";
    copyToRoot = [
      [ tools ]
      null
      ""
      hello
    ];
  };

  most-layers = buildLayeredImage {
    name = "most-layers";
    tag = "latest";
    contents = tools ++ [ hello ];
    maxLayers = 128;
  };

  override-attrs =
    (buildImage {
      name = "override-attrs";
      tag = "latest";
      copyToRoot = tools;
    }).overrideAttrs
      (old: {
        name = "another-${old.name}";
      });
  other-packages = (dockerTools.override { inherit (pkgs) bash; }).buildLayeredImage {
    name = "other-packages";
    tag = "latest";
    contents = tools ++ [
      (dockerTools.fakeNss.override {
        extraPasswdLines = [ "app:x:1000:1000::/:/bin/bash" ];
        extraGroupLines = [ "app:x:1000:" ];
      })
    ];
    config.User = "app";
  };
  stream = streamLayeredImage {
    name = "stream";
    tag = "latest";
    config.Cmd = [ (lib.getExe hello) ];
  };

  processor = buildLayeredImage {
    name = "processor";
    tag = "latest";
    contents = tools;
    architecture = pkgs.stdenv.hostPlatform.uname.processor;
  };

  app = buildLayeredImage {
    name = "app";
    tag = "latest";
    config.Cmd = [ (lib.getExe hello) ];
  };

  healthy = buildLayeredImage {
    name = "healthy";
    tag = "latest";
    contents = tools;
    config.Healthcheck = healthcheck;
  };

  merged-by-nixpkgs = theirMerge (
    map mergedPart [
      "merged-one"
      "merged-two"
      "merged-three"
    ]
  );

  inherited = spelled "inherited" { };
  only-env = buildImage {
    name = "only-env";
    tag = "latest";
    fromImage = base;
    inheritConfig = "env";
    config.Cmd = [ "/bin/env" ];
  };
  no-config = streamLayeredImage {
    name = "no-config";
    tag = "latest";
    fromImage = base;
    inheritConfig = "none";
    config.Cmd = [ "/bin/env" ];
  };
}

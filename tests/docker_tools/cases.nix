/**
  The images of dockerTools' NixOS test.  The numbers are those of
  the table in nix/docker-tools/README.md.

  All packages that they use are in packages.nix too, so that they are built and run without nixpkgs.
*/
{
  pkgs,
  dockerTools,
}:

let
  inherit (pkgs) bash coreutils;
  inherit (dockerTools) buildImage buildLayeredImage streamLayeredImage;
  laminix = import ../.. { inherit pkgs; };
  runBash = import ../../nix/docker-tools/run-bash.nix { inherit pkgs; };
  # One without anything that it refers to.
  busybox = pkgs.pkgsStatic.busybox or pkgs.busybox;

  script =
    name: text:
    runBash name { inherit text; } ''
      mkdir -p $out/bin
      printf '#!${bash}/bin/bash\n%s\n' "$text" >$out/bin/${name}
      chmod +x $out/bin/${name}
    '';

  hello = script "hello" "echo 'Hello, world!'";

  users = runBash "users" { } ''
    mkdir -p $out/etc
    printf '%s\n' root:x:0:0::/root:/bin/bash somebody:x:999:999::/home/somebody:/bin/bash >$out/etc/passwd
    printf '%s\n' root:x:0: somebody:x:999: >$out/etc/group
  '';

  store-symlink = runBash "store-symlink" { target = users; } "ln -s $target $out";

  withBash = {
    copyToRoot = [
      bash
      coreutils
    ];
    config.Cmd = [ "/bin/bash" ];
  };
  layeredWithBash = {
    contents = withBash.copyToRoot;
    inherit (withBash) config;
  };

  # An archive that nothing is known of: as if pulled.
  pulled = "${
    buildImage (
      withBash
      // {
        name = "pulled";
        config.Env = [ "PULLED=1" ];
        extraCommands = "mkdir -p usr/lib; ln -s usr/lib lib; echo pulled >usr/lib/pulled";
      }
    )
  }";

  # Merged archives have names of their own only in the table that vm-test.py reads.
  described = imageName: imageTag: archive: archive // { inherit imageName imageTag; };

  # What pkgs.stdenv is to a shell: a script that the build starts with.
  stdenv = runBash "stdenv" { path = "${coreutils}/bin:${bash}/bin"; } ''
    mkdir $out
    {
      echo "export PATH=$path"
      echo 'runHook() { eval "''${!1}"; }'
      echo 'for input in $buildInputs; do PATH=$PATH:$input/bin; done'
    } >$out/setup
  '';

  shellOf =
    name: attributes: arguments:
    dockerTools.streamNixShellImage (
      {
        inherit name;
        tag = "latest";
        drv = derivation (
          {
            inherit name stdenv;
            inherit (pkgs.stdenv.buildPlatform) system;
            builder = "${bash}/bin/bash";
            args = [
              "-c"
              "source $stdenv/setup; echo built >$out"
            ];
          }
          // attributes
        );
      }
      // arguments
    );

  onTop =
    fromImage: number:
    buildImage (
      withBash
      // {
        name = "layers-order";
        tag = "latest";
        runAsRoot = "mkdir -p tmp; echo layer${number} >tmp/layer${number}; printf ${number} >last; echo ${number} >in-layer${number}";
        inherit fromImage;
      }
    );

  after =
    fromImage: text:
    buildImage (
      withBash
      // {
        name = "layers-unpack-order";
        tag = "latest";
        runAsRoot = "printf ${text} >/layer-order";
        inherit fromImage;
      }
    );

  parentEnvironment = {
    name = "parent";
    config.Env = [
      "FROM_PARENT=true"
      "LAST_LAYER=parent"
    ];
  };
  childEnvironment = {
    tag = "latest";
    config.Env = [
      "FROM_CHILD=true"
      "LAST_LAYER=child"
    ];
  };
in
rec {
  # 1, 2
  hello-on-root = buildLayeredImage {
    name = "hello";
    tag = "latest";
    contents = [ hello ];
    config.Cmd = [ "hello" ];
  };
  hello-on-root-no-store = hello-on-root.override {
    name = "hello-no-store";
    includeStorePaths = false;
  };
  hello-on-root-no-store-fakechroot = hello-on-root.override {
    name = "hello-no-store-fakechroot";
    includeStorePaths = false;
    enableFakechroot = true;
  };

  # 3, 4
  bash-image = buildImage (
    withBash
    // {
      name = "bash";
      tag = "5";
    }
  );
  bash-no-tag = buildImage (withBash // { name = "bash-no-tag"; });
  bash-no-tag-layered = buildLayeredImage (layeredWithBash // { name = "bash-no-tag-layered"; });
  bash-no-tag-stream = streamLayeredImage (layeredWithBash // { name = "bash-no-tag-stream"; });

  # 5, 4
  nix = buildImage {
    name = "nix";
    copyToRoot = [
      pkgs.nix
      bash
      coreutils
    ];
    config.Env = [ "NIX_PAGER=cat" ];
    includeNixDB = true;
  };
  nix-layered = buildLayeredImage {
    name = "nix-layered";
    contents = [
      pkgs.nix
      bash
      coreutils
    ];
    config.Env = [ "NIX_PAGER=cat" ];
    includeNixDB = true;
  };

  # 6
  bash-layered-with-user = buildLayeredImage {
    name = "bash-layered-with-user";
    tag = "latest";
    contents = [
      bash
      coreutils
      users
    ];
  };

  # 9
  nginx =
    let
      site = runBash "site" { } ''mkdir $out; echo '<h1>It works</h1>' >$out/index.html'';
      settings = runBash "nginx.conf" { } ''
        printf '%s\n' 'user nobody nobody; daemon off; error_log /dev/stderr info; pid /dev/null; events { }' \
          'http { access_log off; server { listen 8000; root ${site}; } }' >$out
      '';
    in
    buildLayeredImage {
      name = "nginx-container";
      tag = "latest";
      contents = [
        dockerTools.fakeNss
        pkgs.nginx
      ];
      extraCommands = "mkdir -p tmp/nginx_client_body var/log/nginx var/lib/nginx";
      config = {
        Cmd = [
          "${pkgs.nginx}/bin/nginx"
          "-c"
          settings
        ];
        ExposedPorts."8000/tcp" = { };
      };
    };

  # 10
  on-top-of-pulled-image = buildImage {
    name = "on-top-of-pulled-image";
    tag = "latest";
    fromImage = pulled;
    copyToRoot = hello;
    extraCommands = "mkdir -p lib; echo mine >lib/mine";
    config.Cmd = [ "hello" ];
  };

  # 11
  run-as-root-extra-commands = buildImage (
    withBash
    // {
      name = "run-as-root-extra-commands";
      tag = "latest";
      runAsRoot = ''echo "(runAsRoot)" >runAsRoot'';
      extraCommands = ''echo "(extraCommand)" >extraCommands'';
    }
  );

  # 12
  unstable-date = buildImage (
    withBash
    // {
      name = "unstable-date";
      tag = "latest";
      created = "now";
    }
  );
  unstable-date-layered = buildLayeredImage (
    layeredWithBash
    // {
      name = "unstable-date-layered";
      tag = "latest";
      created = "now";
    }
  );

  # 13 to 15
  layered-image = buildLayeredImage {
    name = "layered-image";
    tag = "latest";
    extraCommands = "echo Hello >extraCommands";
    config.Cmd = [ "${hello}/bin/hello" ];
    contents = [
      hello
      bash
      coreutils
    ];
  };
  layered-on-top = buildImage {
    name = "layered-on-top";
    tag = "latest";
    fromImage = layered-image;
    extraCommands = "mkdir ./example-output; chmod 777 ./example-output";
    config = {
      Env = [ "PATH=${coreutils}/bin" ];
      WorkingDir = "/example-output";
      Cmd = [
        "${bash}/bin/bash"
        "-c"
        "echo hello >foo; cat foo"
      ];
    };
  };
  layered-on-top-layered = buildLayeredImage {
    name = "layered-on-top-layered";
    tag = "latest";
    fromImage = layered-image;
    extraCommands = "mkdir ./example-output; chmod 777 ./example-output";
    inherit (layered-on-top.buildArgs) config;
  };
  another-layered-image = buildLayeredImage {
    name = "another-layered-image";
    tag = "latest";
    config.Cmd = [ "${hello}/bin/hello" ];
    contents = [ hello ];
  };

  # 16, 17
  layers-order = onTop (onTop (onTop null "1") "2") "3";
  layers-unpack-order = after (after (after null "a") "ab") "abc";

  # 18
  repeated-layer =
    let
      layer = laminix.mkLayer { copyToRoot = ./path-as-content; };
    in
    buildImage (
      withBash
      // {
        name = "repeated-layer";
        tag = "latest";
        fromImage = laminix.mkImage {
          name = "repeated";
          layers = [
            layer
            layer
          ];
        };
        runAsRoot = "echo top >top";
      }
    );

  # 19, 20
  environment-variables = buildImage (
    childEnvironment
    // {
      name = "child";
      copyToRoot = [ coreutils ];
      fromImage = buildImage (parentEnvironment // { tag = "latest"; });
    }
  );
  environment-variables-layered = buildLayeredImage (
    childEnvironment
    // {
      name = "child-layered";
      contents = [ coreutils ];
      fromImage = buildLayeredImage (parentEnvironment // { tag = "latest"; });
    }
  );

  # 21 to 23
  two-layered-image = buildLayeredImage {
    name = "two-layered-image";
    tag = "latest";
    config.Cmd = [ "${hello}/bin/hello" ];
    contents = [
      bash
      hello
    ];
    maxLayers = 2;
  };
  bulk-layer = buildLayeredImage {
    name = "bulk-layer";
    tag = "latest";
    contents = [
      coreutils
      hello
    ];
    maxLayers = 2;
  };
  layered-bulk-layer = buildLayeredImage {
    name = "layered-bulk-layer";
    tag = "latest";
    fromImage = two-layered-image;
    contents = [
      coreutils
      hello
    ];
    maxLayers = 4;
  };

  # 24
  no-store-paths = buildLayeredImage {
    name = "no-store-paths";
    tag = "latest";
    includeStorePaths = false;
    extraCommands = ''
      mkdir -p ./bin ./nix/store
      cp ${busybox}/bin/busybox ./bin/busybox
      cp ${busybox}/bin/busybox ./nix/store/static-busybox
      for name in sh ls; do ln -s busybox ./bin/$name; done
    '';
  };

  # 25
  files-in-store = buildImage {
    name = "file-in-store";
    tag = "latest";
    copyToRoot = [
      pkgs.nix
      bash
      coreutils
    ];
    includeNixDB = true;
    config.Cmd = [
      "${script "print-data" "cat ${builtins.toFile "some-data" "some data\n"}"}/bin/print-data"
    ];
  };

  # 26, 35
  build-image-with-architecture = buildImage (
    withBash
    // {
      name = "build-image-with-architecture";
      tag = "latest";
      architecture = "arm64";
    }
  );
  layered-image-with-architecture = streamLayeredImage (
    layeredWithBash
    // {
      name = "layered-image-with-architecture";
      tag = "latest";
      architecture = "arm64";
    }
  );

  cross =
    (import ../.. {
      pkgs = pkgs // {
        stdenv = pkgs.stdenv // {
          hostPlatform = pkgs.stdenv.hostPlatform // {
            go.GOARCH = "arm64";
          };
        };
      };
    }).dockerTools.buildImage
      (
        withBash
        // {
          name = "cross";
          tag = "latest";
        }
      );

  # 27
  layered-store-symlink = buildLayeredImage {
    name = "layeredstoresymlink";
    tag = "latest";
    contents = [
      bash
      store-symlink
    ];
    config.Cmd = [
      "bash"
      "-c"
      "test -L ${store-symlink}"
    ];
  };

  # 28
  prefixed-image = buildImage (
    withBash
    // {
      name = "registry-1.docker.io/image";
      tag = "latest";
    }
  );
  prefixed-layered-image = buildLayeredImage (
    layeredWithBash
    // {
      name = "registry-1.docker.io/layered-image";
      tag = "latest";
    }
  );

  # 29
  layered-image-with-fake-root-commands = buildLayeredImage {
    name = "layered-image-with-fake-root-commands";
    tag = "latest";
    contents = [ busybox ];
    fakeRootCommands = ''
      mkdir -p ./home/alice
      chown 1000 ./home/alice
      echo hers >./home/alice/file
      chmod 4750 ./home/alice/file
      ln -s ${hello} ./hello
    '';
  };

  # 30
  redis = buildImage {
    name = "redis";
    tag = "latest";
    copyToRoot = [
      pkgs.redis
      bash
    ];
    config.Cmd = [
      "/bin/redis-server"
      "--version"
    ];
  };

  merged-bash-and-redis = described "bash" "5" (dockerTools.mergeImages [
    bash-image
    redis
  ]);
  merged-bash-no-tag-and-redis = described bash-no-tag.imageName bash-no-tag.imageTag (
    dockerTools.mergeImages [
      bash-no-tag
      redis
    ]
  );

  # 31
  merged-bash-fake-root = described "layered-image-with-fake-root-commands" "latest" (
    dockerTools.mergeImages [
      bash-image
      layered-image-with-fake-root-commands
    ]
  );

  # 32
  export-bash = described "bash" "5" (dockerTools.exportImage { fromImage = bash-image; });

  # 33
  image-via-fakechroot = streamLayeredImage {
    name = "image-via-fakechroot";
    tag = "latest";
    config.Cmd = [ "hello" ];
    enableFakechroot = true;
    fakeRootCommands = ''
      mkdir /bin
      ln -s ${hello}/bin/hello /bin/hello
    '';
  };

  # 34
  build-image-with-path = buildImage (
    withBash
    // {
      name = "build-image-with-path";
      tag = "latest";
      copyToRoot = [
        bash
        coreutils
        ./path-as-content
      ];
    }
  );
  layered-image-with-path = streamLayeredImage (
    layeredWithBash
    // {
      name = "layered-image-with-path";
      tag = "latest";
      contents = [
        bash
        coreutils
        ./path-as-content
      ];
    }
  );

  # 36
  etc = streamLayeredImage {
    name = "etc";
    tag = "latest";
    fakeRootCommands = "mkdir -p ./etc; echo '127.0.0.1 localhost' >./etc/made-hosts; chown 0:0 ./etc/made-hosts";
    config.Cmd = [
      "${coreutils}/bin/cat"
      "/etc/made-hosts"
    ];
  };

  etc-fakechroot = streamLayeredImage {
    name = "etc-fakechroot";
    tag = "latest";
    enableFakechroot = true;
    fakeRootCommands = "mkdir -p /etc; echo '127.0.0.1 localhost' >/etc/made-hosts";
    config.Cmd = [
      "${coreutils}/bin/cat"
      "/etc/made-hosts"
    ];
  };

  # 37
  image-with-certs = buildLayeredImage {
    name = "image-with-certs";
    tag = "latest";
    contents = [
      coreutils
      dockerTools.caCertificates
    ];
  };

  # 38
  chown-test-image = streamLayeredImage {
    name = "chown-test-image";
    tag = "latest";
    contents = [
      bash
      coreutils
    ];
    fakeRootCommands = "touch ./testfile; chown 12345:12345 ./testfile";
    config.Cmd = [
      "${coreutils}/bin/stat"
      "-c"
      "%u:%g"
      "/testfile"
    ];
  };

  # 39
  non-root-test-image = streamLayeredImage {
    name = "non-root-test-image";
    tag = "latest";
    contents = [
      bash
      coreutils
      users
    ];
    uid = 999;
    gid = 999;
    uname = "somebody";
    gname = "somebody";
    config = {
      User = "somebody";
      Cmd = [
        "${bash}/bin/bash"
        "-c"
        "id -u; stat -c %u ${hello}/bin/hello"
      ];
    };
  };

  # 40
  nix-shell-basic = shellOf "nix-shell-basic" { } { };
  nix-shell-hook = shellOf "nix-shell-hook" { shellHook = "echo 'This is the shell hook!'; exit"; } { };
  nix-shell-inputs = shellOf "nix-shell-inputs" { buildInputs = [ hello ]; } { command = "hello"; };
  nix-shell-pass-as-file = shellOf "nix-shell-pass-as-file" {
    text = "this is a string";
    passAsFile = [ "text" ];
  } { command = ''cat "$textPath"''; };
  nix-shell-run = shellOf "nix-shell-run" { } {
    run = ''case "$-" in *i*) echo interactive ;; *) echo not interactive ;; esac'';
  };
  nix-shell-command = shellOf "nix-shell-command" { } {
    command = ''case "$-" in *i*) echo interactive ;; *) echo not interactive ;; esac'';
  };
  nix-shell-writable-home = shellOf "nix-shell-writable-home" { } {
    command = ''cd "$HOME" && echo written >file && cat file'';
  };
  nix-shell-nonexistent-home = shellOf "nix-shell-nonexistent-home" { } {
    homeDirectory = "/homeless-shelter";
    command = ''[ ! -e "$HOME" ] && echo "no $HOME"'';
  };
  nix-shell-build-derivation = shellOf "nix-shell-build-derivation" { } {
    command = ''buildDerivation && cat "$out"'';
  };
  nix-shell-archive = dockerTools.buildNixShellImage {
    name = "nix-shell-archive";
    tag = "latest";
    compressor = "zstd";
    command = "hello";
    drv = derivation {
      name = "with-inputs";
      inherit stdenv;
      inherit (pkgs.stdenv.buildPlatform) system;
      builder = "${bash}/bin/bash";
      args = [ ];
      buildInputs = [ hello ];
    };
  };

  # 41
  build-image-none = buildImage (
    withBash
    // {
      name = "build-image-none";
      tag = "latest";
      compressor = "none";
    }
  );
  build-image-gz = buildImage (
    withBash
    // {
      name = "build-image-gz";
      tag = "latest";
      compressor = "gz";
    }
  );
  build-image-zstd = buildImage (
    withBash
    // {
      name = "build-image-zstd";
      tag = "latest";
      compressor = "zstd";
    }
  );
  layered-image-none = buildLayeredImage (
    layeredWithBash
    // {
      name = "layered-image-none";
      tag = "latest";
      compressor = "none";
    }
  );
  layered-image-zstd = buildLayeredImage (
    layeredWithBash
    // {
      name = "layered-image-zstd";
      tag = "latest";
      compressor = "zstd";
    }
  );
}

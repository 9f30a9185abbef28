/**
  Units as virtualisation.oci-containers of NixOS writes them, one for each form of an image: they load it by
  `imageFile` or `imageStream` and run it by its own name and tag.

  The result is a JSON file: the text of each unit by its name.
*/
{
  pkgs,
  laminix,
  engine,
}:

let
  inherit (laminix)
    dockerTools
    mkArtifact
    mkImage
    mkIndex
    ;
  runBash = import ../../nix/docker-tools/run-bash.nix { inherit pkgs; };

  saying = name: {
    inherit name;
    config.Cmd = [
      "${pkgs.bash}/bin/bash"
      "-c"
      "echo this is ${name}; exec ${pkgs.coreutils}/bin/sleep 1000"
    ];
  };

  imageFile = image: {
    inherit image;
    load = "${engine} load -i ${image}";
  };
  imageStream = image: {
    inherit image;
    load = "${image} | ${engine} load";
  };

  images = {
    build-gz = imageFile (dockerTools.buildImage (saying "build-gz"));
    build-zstd = imageFile (dockerTools.buildImage (saying "build-zstd" // { compressor = "zstd"; }));
    layered = imageFile (dockerTools.buildLayeredImage (saying "registry.example:5000/a/layered"));
    streamed = imageStream (dockerTools.streamLayeredImage (saying "streamed"));
    archive = imageFile (mkImage (saying "archive")).dockerArchive;
    directory = imageFile (mkImage (saying "directory"));
    on-parent = imageFile (mkImage (saying "on-parent" // { fromImage = mkImage { name = "parent"; }; }));
    with-artifact = imageFile (mkArtifact {
      image = mkImage (saying "with-artifact");
      artifactType = "text/plain";
      files = [
        {
          mediaType = "text/plain";
          path = ./units.nix;
        }
      ];
    });
    legacy = imageFile (mkImage (saying "legacy")).dockerLegacyArchive;
    compressed = imageFile (laminix.compress { file = (mkImage (saying "compressed")).dockerArchive; });
    stream = imageStream (mkImage (saying "stream")).stream;
    several-tags = imageFile (mkImage (saying "several-tags" // {
      tag = [
        "1.0"
        "latest"
      ];
    })).dockerArchive;
  }
  // (
    # Docker loads no index, and says so.
    if isPodman then
      { several-platforms = imageFile (mkIndex { images = [ (mkImage (saying "several-platforms")) ]; }); }
    else
      { }
  );

  isPodman = engine == "podman";
  start =
    if isPodman then
      "--cgroups=enabled --sdnotify=conmon -d --replace"
    else
      "";

  unit = name: { image, load }: ''
    [Unit]
    After=${if isPodman then "network.target" else "docker.service"}
    [Service]
    ${if isPodman then "Type=notify\nNotifyAccess=all" else "Type=simple"}
    ExecStartPre=/bin/bash -euo pipefail -c '${load}'
    ExecStart=/usr/bin/${engine} run --rm --name=${name} --log-driver=journald --network=none --pull missing ${start} ${image.imageName}:${image.imageTag}
    ExecStop=/usr/bin/${engine} stop --time 1 ${name}
  '';
in
runBash "units.json" {
  text = builtins.toJSON (builtins.mapAttrs unit images);
  passAsFile = [ "text" ];
} "cp $textPath $out"

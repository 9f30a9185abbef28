/**
  What NixOS's kubelet runs for `seedDockerImages`, and the links that its k3s and rke2 make for `images`.

  The result is a JSON file: for each image by its name, the shell `command` of kubelet, the name of k3s's `link` and
  the `target` of it.
*/
{ pkgs, laminix }:

let
  inherit (laminix) dockerTools mkImage;
  runBash = import ../../nix/docker-tools/run-bash.nix { inherit pkgs; };

  hasGzip = file: builtins.match ".*gz" "${file}" != null;

  seed = image: {
    command = (if hasGzip image then "zcat" else "cat") + " ${image} | ctr -n k8s.io image import -";
    link = image.name;
    target = "${image}";
  };

  images = {
    directory = mkImage { name = "directory"; };
    on-parent = mkImage {
      name = "on-parent";
      fromImage = mkImage { name = "parent"; };
    };
    built = dockerTools.buildImage {
      name = "built";
      tag = "latest";
    };
    layered = dockerTools.buildLayeredImage {
      name = "layered";
      tag = "latest";
      compressor = "none";
    };
  };
in
runBash "seeds.json" {
  text = builtins.toJSON (builtins.mapAttrs (_: seed) images);
  passAsFile = [ "text" ];
} "cp $textPath $out"

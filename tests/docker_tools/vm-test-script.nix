/**
  The test script of vm-test.nix: vm-test.py, preceded by a table of the images of cases.nix.
*/
{ pkgs, dockerTools }:

let
  told = image: {
    path = "${image}";
    isExe = image.isExe or false;
    inherit (image) imageName imageTag;
  };
  images = builtins.mapAttrs (_: told) (import ./cases.nix { inherit pkgs dockerTools; });
in
''
  import json
  import re

  IMAGES = json.loads(${builtins.toJSON (builtins.toJSON images)})

''
+ builtins.readFile ./vm-test.py

/**
  The test script of vm-test.nix: a script in Python, preceded by a table of the images that it checks.
*/
{
  pkgs,
  dockerTools,
  images ? import ./cases.nix { inherit pkgs dockerTools; },
  script ? ./vm-test.py,
}:

let
  told = image: {
    path = "${image}";
    isExe = image.isExe or false;
    inherit (image) imageName imageTag;
  };
in
''
  import json
  import re

  IMAGES = json.loads(${builtins.toJSON (builtins.toJSON (builtins.mapAttrs (_: told) images))})

''
+ builtins.readFile ./loading.py
+ builtins.readFile script

{ pkgs, runLayer }:

/**
  Build a layer of what bash commands change as root, with the root of the image as their root directory.

  # Type

  ```
  rootStep :: {
    name :: String,
    parent :: Image | Path | null,
    parentImage, platform :: String | null,
    layers :: [ Layer ],
    commands :: String,
    visible :: [ Derivation ],
    mtime :: Int | String,
  } -> Layer
  ```

  The commands see the files of `parent` and `layers`, and of the store the closures of `visible` and of the store
  paths that the commands mention.

  The layer keeps its references, so that its closure contains all store paths that its files refer to.
*/
{
  name,
  parent ? null,
  parentImage ? null,
  platform ? null,
  layers,
  commands,
  visible,
  mtime ? 1,
}:

runLayer {
  inherit
    name
    parent
    parentImage
    platform
    layers
    mtime
    ;
  script = commands;
  shell = "${pkgs.bash}/bin/bash";
  tools = visible;
  workdir = "/";
  keepTmp = true;
  keepReferences = true;
}

{ }:

/**
  Return the attributes with which an image directory stands for its archive where engines are to load it.

  # Type

  ```
  engineImage :: { directory, archive :: Derivation } -> AttrSet
  ```

  Modules of NixOS interpolate an image (`docker load -i ${image}`) and take the ending of its `name` for its form, and
  so do expressions written for dockerTools: all of them expect an archive.  `drvPath` and `outPath` are those of the
  directory, so nix-build builds it and no archive comes into the store unless the image is interpolated.
*/
{ directory, archive }:

{
  imageDirectory = directory;
  inherit (archive) name;
  __toString = _: "${archive}";
}

{ }:

/**
  What an image and its derivations are called, from what the user calls it.

  # Type

  ```
  names :: String -> { imageName, baseName :: String }
  ```
*/
name:

let
  letters = text: builtins.genList (index: builtins.substring index 1 text) (builtins.stringLength text);
in
{
  # Image names have no capital letters.
  imageName = builtins.replaceStrings (letters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (letters "abcdefghijklmnopqrstuvwxyz") name;

  # A store name may hold less than people write into an image's.
  baseName =
    let
      words = builtins.split "[^a-zA-Z0-9._+=?-]+" (baseNameOf name);
    in
    builtins.concatStringsSep "-" (builtins.filter builtins.isString words);
}

{ }:

/**
  Replace the capital letters A to Z of a string, which image names cannot contain, by small ones.

  # Type

  ```
  toLower :: String -> String
  ```
*/
let
  letters = text: builtins.genList (index: builtins.substring index 1 text) (builtins.stringLength text);
in
builtins.replaceStrings (letters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (letters "abcdefghijklmnopqrstuvwxyz")

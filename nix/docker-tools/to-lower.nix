{ }:

/**
  Replace the capital letters A to Z of a string, which image names cannot contain, by small ones.

  # Type

  ```
  toLower :: String -> String
  ```
*/
let
  letters = text: builtins.genList (at: builtins.substring at 1 text) (builtins.stringLength text);
  capital = letters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  small = letters "abcdefghijklmnopqrstuvwxyz";
in
builtins.replaceStrings capital small

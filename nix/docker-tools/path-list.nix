{ }:

/**
  Return the paths of an argument such as `contents` as a list: nested lists are joined, null and "" left out, as
  nixpkgs' toString does it.

  # Type

  ```
  pathList :: Any -> [ Path ]
  ```
*/
let
  pathList =
    value:
    if builtins.isList value then
      builtins.concatMap pathList value
    else if value == null || value == "" then
      [ ]
    else
      [ value ];
in
pathList

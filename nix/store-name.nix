{ }:

/**
  Make a derivation name from an image name: its last component, with a dash for each run of characters that
  store paths cannot contain.

  # Type

  ```
  storeName :: String -> String
  ```

  # Example

  ```nix
  storeName "registry.example/team/my app"
  => "my-app"
  ```
*/
name:

let
  words = builtins.split "[^a-zA-Z0-9._+=?-]+" (baseNameOf name);
in
builtins.concatStringsSep "-" (builtins.filter builtins.isString words)

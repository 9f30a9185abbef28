/**
  Import functions from files and give each of them the values that its first stage names.

  # Type

  ```
  makeScope :: { <name> :: Any } -> { <name> :: Path } -> { <name> :: Any }
  ```

  Each of `files` contains a function from an attribute set.  It may name the attributes of `given` and those
  of `files`.  The result has both; where a name is in both, the file's value wins.
*/
given: files:

let
  call =
    _: file:
    let
      function = import file;
    in
    function (builtins.intersectAttrs (builtins.functionArgs function) scope);

  scope = given // builtins.mapAttrs call files;
in
scope

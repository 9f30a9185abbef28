{
  build,
  builderProgram,
  imageDirectory,
  pkgs,
}:

/**
  Make a derivation that runs one of laminix's builders.

  The derivation depends on this builder, the library and Python, and on no other part of laminix.

  # Type

  ```
  build :: String -> {
    name :: String,
    request :: AttrSet,
    tools :: [ Derivation ],
    attributes :: Derivation -> AttrSet,
    meta, passthru :: AttrSet,
    …
  } -> Derivation
  ```

  `request` contains the builder's options without their dashes.  `tools` are packages whose programs the
  builder may run.  `attributes` makes further attributes of the result, such as its other forms.  `meta` and
  `passthru` become attributes of the result; all other arguments become attributes of the derivation.  The result's
  `overrideAttrs` changes these arguments, as in nixpkgs.
*/
builder:
{
  name,
  request,
  tools ? [ ],
  attributes ? _: { },
  meta ? { },
  passthru ? { },
  ...
}@attrs:

let
  overrideAttrs =
    change:
    let
      # A function of two arguments gets the final attributes first.
      final = attrs // change final attrs;
      changed = attrs // (if builtins.isFunction change then change attrs else change);
      takesTwo = builtins.isFunction change && builtins.isFunction (change attrs);
    in
    build builder (if takesTwo then final else changed);

  drv = derivation (
    removeAttrs attrs [
      "attributes"
      "tools"
      "meta"
      "passthru"
    ]
    // {
      inherit name;
      request = inputsOf request;
      ${if attrs ? exportReferencesGraph then "exportReferencesGraph" else null} =
        inputsOf attrs.exportReferencesGraph;
      inherit (pkgs.stdenv.buildPlatform) system;
      __structuredAttrs = true;
      builder = pkgs.buildPackages.python3.interpreter;
      args = [
        "-I"
        "-B"
        (builderProgram builder)
      ];
      path = map (tool: "${tool}/bin") tools;
    }
  );

  # Builders read image directories, not the archives that images are as text.
  inputsOf = builtins.mapAttrs (
    _: value: if builtins.isList value then map imageDirectory value else imageDirectory value
  );

  given = passthru // {
    # nixpkgs' lib looks for the names of the outputs here.
    outputs = [ "out" ];
    inherit meta passthru overrideAttrs;
  };
in
drv // attributes (drv // given) // given

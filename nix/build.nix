{ builderProgram, pkgs }: # build BUILDER ATTRS: the derivation whose builder is that executable

/**
  Run one of laminix's builders as a derivation's builder.

  The derivation depends on that builder, the library and Python, and on nothing else of laminix.

  # Type

  ```
  build :: String -> { name :: String, request :: AttrSet, … } -> Derivation
  ```

  `request` holds the builder's options without their dashes; `meta` and `passthru` end up on the
  result, `tools` are packages whose programs the builder may call, all else are the derivation's
  attributes.
*/
builder:
{
  name,
  request,
  tools ? [ ],
  meta ? { },
  passthru ? { },
  ...
}@attrs:

let
  drv = derivation (
    removeAttrs attrs [
      "tools"
      "meta"
      "passthru"
    ]
    // {
      inherit name request;
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
in
drv // passthru // { inherit meta passthru; }

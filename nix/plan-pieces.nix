{ build }:

/**
  Split a plan into plans of one layer each, which change only if their layer changes.

  # Type

  ```
  planPieces :: {
    function :: String,
    layering :: "ca" | "ifd",
    plan :: Plan | Path | { layers :: [ { storePaths :: [ StorePath ] } ] },
    maxLayers :: Int,
  } -> [ Plan ]
  ```

  With "ca", the pieces are `maxLayers` outputs of a content-addressed derivation, the last ones without a layer if
  the plan has fewer.  With "ifd", evaluation builds the plan and reads it.  Errors name `function`.
*/
{
  function,
  layering,
  plan,
  maxLayers,
}:

let
  # A derivation needs an output "out".
  outputs = [ "out" ] ++ builtins.genList (index: "layer${toString (index + 1)}") (maxLayers - 1);

  # The names are the same for every image, so that images share pieces, and the layers built from them.
  split = build "split-plan" {
    name = "layer-plan";
    request = {
      FILE = map builtins.placeholder outputs;
      inherit plan;
    };
    __contentAddressed = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    inherit outputs;
  };

  # Strings that are parsed have no context.  Each store path gets its own, so that a layer depends on no other path.
  asInput = path: builtins.appendContext path { ${path}.path = true; };

  # Nix's own error says what is disabled, but not why it is needed.
  needing =
    setting:
    builtins.addErrorContext ''laminix: ${function}: `layering = "${layering}"` needs ${setting}; enable it, or use `layering = "single"`'';

  text = needing "the setting allow-import-from-derivation" (builtins.readFile plan);
  read = builtins.fromJSON (builtins.unsafeDiscardStringContext text);
in
if builtins.isAttrs plan && plan ? layers then
  map (layer: { layers = [ layer ]; }) plan.layers
else if layering == "ca" then
  map (output: needing "the experimental feature ca-derivations" split.${output}.outPath) outputs
else
  map (layer: { layers = [ { storePaths = map asInput layer.storePaths; } ]; }) read.layers

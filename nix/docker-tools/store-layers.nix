{
  base,
  mkLayers,
  planLayers,
}:

/**
  The layers of a closure's store paths, as planned: each path in one layer.

  # Type

  ```
  storeLayers :: {
    name :: String,
    roots :: [ StorePath ],
    fromImage :: Image | Path | null,
    maxLayers :: Int,
    …
  } -> Layers
  ```

  `roots` stay away themselves where nothing refers to them, and so do the store paths of the base.  Its
  layers and one more to come count among `maxLayers`.  The other arguments are mkLayers'.
*/
{
  name,
  roots,
  fromImage,
  maxLayers,
  ...
}@arguments:

let
  lower = base fromImage;
in
mkLayers (
  removeAttrs arguments [
    "roots"
    "fromImage"
    "maxLayers"
  ]
  // {
    plan = planLayers {
      name = "${name}-plan.json";
      closure = roots;
      omitRoot = roots;
      maxLayers = maxLayers - 1;
      # Of layers of ours it is written beside them what they pack; others have to be read.
      base = if lower.isOurs then lower.layers else [ lower.image ];
      countBase = true;
    };
  }
)

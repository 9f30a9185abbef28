{
  mkLayers,
  parentInfo,
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
    layeringPlan :: Plan | Path | null,
    adjustPlan :: Plan -> Plan,
    pin :: [ String ],
    …
  } -> Layers
  ```

  `roots` stay away themselves where nothing refers to them, and so do the store paths of the base.  Its
  layers and one more to come count among `maxLayers`.  `layeringPlan` is the plan before, `pin` has patterns of
  packages with a layer of their own, and `adjustPlan` has the last word.  The other arguments are mkLayers'.

  The result's `plan` is what was planned, before `adjustPlan`.
*/
{
  name,
  roots,
  fromImage,
  maxLayers,
  layeringPlan,
  adjustPlan,
  pin,
  ...
}@arguments:

let
  parent = parentInfo fromImage;
  plan = planLayers {
    name = "${name}-plan.json";
    closure = roots;
    omitRoot = roots;
    maxLayers = maxLayers - 1;
    previous = layeringPlan;
    # Of layers of ours it is written beside them what they pack; others have to be read.
    base = if parent.isOurs then parent.layers else [ parent.image ];
    countBase = true;
    inherit pin;
  };
in
mkLayers (
  removeAttrs arguments [
    "roots"
    "fromImage"
    "maxLayers"
    "layeringPlan"
    "adjustPlan"
    "pin"
  ]
  // {
    plan = adjustPlan plan;
    passthru = { inherit plan; };
  }
)

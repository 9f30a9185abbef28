{
  mkLayers,
  parentInfo,
  planLayers,
}:

/**
  Plan and build the layers of a closure's store paths.

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

  The layers contain neither `roots` themselves, unless other paths refer to them, nor the store paths in the
  layers of `fromImage`.  `maxLayers` includes the layers of `fromImage` and one customisation layer.  All
  other arguments are mkLayers'.

  The result's `plan` is the plan before `adjustPlan` changes it.
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
    # laminix's layers come with a list of their store paths; an image of other layers has to be read.
    base = if parent.allLayersKnown then parent.layers else [ parent.image ];
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

{
  arrangePlan,
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
    layeringPipeline :: [ [ Any ] ] | null,
    adjustPlan :: Plan -> Plan,
    pin :: [ String ],
    …
  } -> Layers
  ```

  The layers contain neither `roots` themselves, unless other paths refer to them, nor the store paths in the
  layers of `fromImage`.  `maxLayers` includes the layers of `fromImage` and one customisation layer.  All
  other arguments are mkLayers'.

  `plan` of the result is that of planLayers and `arrangedPlan` the one after `layeringPipeline`, both before
  `adjustPlan` changes it.
*/
{
  name,
  roots,
  fromImage,
  maxLayers,
  layeringPlan,
  layeringPipeline,
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

  arranged =
    if layeringPipeline == null then
      plan
    else
      arrangePlan {
        name = "${name}-arranged-plan.json";
        closure = roots;
        pipeline = layeringPipeline;
        inherit plan;
      };
in
mkLayers (
  removeAttrs arguments [
    "roots"
    "fromImage"
    "maxLayers"
    "layeringPlan"
    "layeringPipeline"
    "adjustPlan"
    "pin"
  ]
  // {
    plan = adjustPlan arranged;
    passthru = {
      inherit plan;
      arrangedPlan = arranged;
    };
  }
)

{
  build,
  decompressorPackages,
  weightsOption,
}:

/**
  Plan which store paths of a closure share a layer, so that updates transfer few bytes.

  # Type

  ```
  planLayers :: {
    name :: String,
    closure, omitRoot :: [ StorePath ],
    maxLayers :: Int,
    previous :: Plan | Path | null,
    weights :: "uniform" | "roots" | { <package> :: Int },
    base :: [ Image | Layer ],
    platform :: String | null,
    countBase :: Bool,
    minLayers :: Int,
    pin :: [ String ],
    meta, passthru :: AttrSet,
  } -> Plan
  ```
*/
{
  name ? "plan.json",
  closure,
  omitRoot ? [ ],
  maxLayers ? 100,
  previous ? null,
  weights ? "uniform",
  base ? [ ],
  platform ? null,
  countBase ? false,
  minLayers ? 0,
  pin ? [ ],
  meta ? { },
  passthru ? { },
}:

build "plan-layers" {
  inherit name meta;
  passthru = {
    inherit maxLayers;
  }
  // passthru;
  request = {
    max-layers = maxLayers;
    omit-root = omitRoot;
    count-base = countBase;
    min-layers = if minLayers == 0 then null else minLayers;
    weights = weightsOption weights;
    inherit
      previous
      base
      platform
      pin
      ;
  };
  exportReferencesGraph.closure = closure;
  tools = if base == [ ] then [ ] else decompressorPackages;
}

{
  build,
  decompressorPackages,
  weightsOption,
}:

/**
  Plan which store paths of a closure share a layer, so that updates move little.

  # Type

  ```
  planLayers :: {
    name :: String,
    closure, omitRoot :: [ StorePath ],
    maxLayers :: Int,
    previous :: Plan | Path | null,
    weights :: "uniform" | "roots" | { <package> :: Int },
    base :: [ Image | Layer ],
    countBase :: Bool,
    pin :: [ String ],
    meta, passthru :: AttrSet,
  } -> Plan
  ```

  `closure` are derivations (or store paths) whose closures are planned, less those of `omitRoot` that nothing
  refers to, and less what `base` holds.  `previous` is the plan before, such as one kept beside the
  expression: what has not changed stays where it is.  `weights` say how often packages change, by name;
  what a pattern of `pin` matches has its own layer.
*/
{
  name ? "plan.json",
  closure,
  omitRoot ? [ ],
  maxLayers ? 100,
  previous ? null,
  weights ? "uniform",
  base ? [ ],
  countBase ? false,
  pin ? [ ],
  meta ? { },
  passthru ? { },
}:

build "plan-layers" {
  inherit name meta passthru;
  request = {
    max-layers = maxLayers;
    omit-root = omitRoot;
    count-base = countBase;
    weights = weightsOption weights;
    inherit previous base pin;
  };
  exportReferencesGraph.closure = closure;
  tools = if base == [ ] then [ ] else decompressorPackages;
}

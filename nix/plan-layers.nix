{ build }:

/**
  Plan which store paths of a closure share a layer.

  # Type

  ```
  planLayers :: {
    name :: String,
    closure :: [ StorePath ],
    maxLayers :: Int,
    meta, passthru :: AttrSet,
  } -> Plan
  ```
*/
{
  name ? "plan.json",
  closure,
  maxLayers ? null,
  meta ? { },
  passthru ? { },
}:

build "plan-layers" {
  inherit name meta passthru;
  request.max-layers = maxLayers;
  exportReferencesGraph.closure = closure;
}

{
  build,
  reportName,
  weightsOption,
}:

/**
  Write a table of a plan's layers: the size of each, what changes it, and how many bytes an average update
  transfers.

  # Type

  ```
  explainPlan :: {
    name :: String,
    plan :: Plan | Path | { layers :: [ { storePaths :: [ StorePath ] } ] },
    closure :: [ StorePath ],
    weights :: "uniform" | "roots" | { <package> :: Int },
    format :: "table" | "json" | "markdown" | "svg",
    meta, passthru :: AttrSet,
  } -> Derivation
  ```
*/
{
  name ? "plan",
  plan,
  closure,
  weights ? "uniform",
  format ? "table",
  meta ? { },
  passthru ? { },
}:

build "explain-plan" {
  name = reportName "explainPlan" name format;
  inherit meta passthru;
  request = {
    inherit format;
    PLAN = plan;
    weights = weightsOption weights;
  };
  exportReferencesGraph.closure = closure;
}

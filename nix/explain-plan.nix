{ build, weightsOption }:

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
    meta, passthru :: AttrSet,
  } -> Derivation
  ```
*/
{
  name ? "plan.txt",
  plan,
  closure,
  weights ? "uniform",
  meta ? { },
  passthru ? { },
}:

build "explain-plan" {
  inherit name meta passthru;
  request = {
    PLAN = plan;
    weights = weightsOption weights;
  };
  exportReferencesGraph.closure = closure;
}

{ build, weightsOption }:

/**
  Tell what a plan costs: each layer's size, what would change it, and what an update moves.

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

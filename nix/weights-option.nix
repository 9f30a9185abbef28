{ }:

/**
  Turn the argument `weights` of planLayers and explainPlan into the value of the builders' `--weights`.

  # Type

  ```
  weightsOption :: "uniform" | "roots" | { <package> :: Int } -> String
  ```
*/
weights:

if builtins.isAttrs weights then
  builtins.toFile "weights.json" (builtins.toJSON weights)
else
  weights

{ build }:

/**
  Divide the store paths of a plan into layers by a pipeline of operations, as dockerTools' layeringPipeline does.

  # Type

  ```
  arrangePlan :: {
    name :: String,
    plan :: Plan,
    closure :: [ StorePath ],
    pipeline :: [ [ Any ] ],
    meta, passthru :: AttrSet,
  } -> Plan
  ```

  # Example

  ```nix
  arrangePlan {
    plan = planLayers { closure = [ app ]; };
    closure = [ app ];
    pipeline = [
      [ "subcomponent_out" [ pkgs.python3 ] ]
      [ "over" "rest" [ "popularity_contest" ] ]
      [ "limit_layers" 20 ]
    ];
  }
  ```
*/
{
  name ? "arranged-plan.json",
  plan,
  closure,
  pipeline,
  meta ? { },
  passthru ? { },
}:

build "arrange-plan" {
  inherit name meta passthru;
  request = {
    inherit plan pipeline;
  };
  exportReferencesGraph.closure = closure;
}

{ }:

let
  suffixes = {
    table = "txt";
    json = "json";
    markdown = "md";
    svg = "svg";
  };
in

/**
  Make the derivation name of a report in some format, or fail in the name of FUNCTION.

  # Type

  ```
  reportName :: String -> String -> String -> String
  ```

  # Example

  ```nix
  reportName "explainPlan" "plan" "markdown"
  => "plan.md"
  ```
*/
function: name: format:

if suffixes ? ${format} then
  "${name}.${suffixes.${format}}"
else
  throw "${function}: found format = \"${format}\", expected ${
    builtins.concatStringsSep ", " (builtins.attrNames suffixes)
  }"

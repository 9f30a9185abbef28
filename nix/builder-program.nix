{ buildersPackage }:

/**
  Return the store path of a builder's executable, in a package that contains only this builder.

  # Type

  ```
  builderProgram :: String -> String
  ```
*/
builder:

"${buildersPackage "laminix-${builder}" [ builder ]}/bin/${builder}"

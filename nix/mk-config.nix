{ build }:

/**
  Check the config object of an image and write it as JSON.  The result refers to the store paths that the
  config mentions.

  # Type

  ```
  mkConfig :: {
    name :: String,
    config :: AttrSet,
    lenientConfig :: Bool,
    meta, passthru :: AttrSet,
  } -> Derivation
  ```
*/
{
  name ? "config.json",
  config,
  lenientConfig ? false,
  meta ? { },
  passthru ? { },
}:

build "mk-config" {
  inherit name meta passthru;
  request = {
    inherit config;
    lenient-config = lenientConfig;
  };
}

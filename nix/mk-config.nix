{ build }:

/**
  Build an image's config object as a file of JSON, checked: its closure is what the config mentions.

  # Type

  ```
  mkConfig :: { name :: String, config :: AttrSet, meta, passthru :: AttrSet } -> Derivation
  ```

  `config` has the fields of an OCI image's `config` (Env, Cmd, …); Docker's further ones are kept.
*/
{
  name ? "config.json",
  config,
  meta ? { },
  passthru ? { },
}:

build "mk-config" {
  inherit name meta passthru;
  request = {
    inherit config;
  };
}

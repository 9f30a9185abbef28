{ }:

/**
  Return the name that `compress` has for a compressor of dockerTools, and the suffix of the archive's name.

  # Type

  ```
  archiveCompression :: { function, image :: String } -> String -> { name :: String, suffix :: String }
  ```

  Errors name the function and the image.  The second argument is dockerTools' name of the compressor.
*/
{ function, image }:
compressor:

let
  gzip = {
    name = "gzip";
    suffix = ".gz";
  };
in
{
  none = {
    name = "none";
    suffix = "";
  };
  gz = gzip;
  inherit gzip; # mkLayer's name for it
  zstd = {
    name = "zstd";
    suffix = ".zst";
  };
}
.${compressor}
  or (throw "laminix: dockerTools.${function}: `compressor` is \"${compressor}\", but it should be \"none\", \"gz\" or \"zstd\". (image ${image})")

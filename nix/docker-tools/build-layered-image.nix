{
  archiveCompression,
  compress,
  makeOverridable,
  packImage,
  storeName,
  streamLayeredImage,
}:

let
  buildLayeredImage =
    /**
      dockerTools.buildLayeredImage: build an image of many layers as a Docker archive.

      # Type

      ```
      buildLayeredImage :: { name :: String, compressor :: "none" | "gz" | "zstd", … } -> Derivation
      ```

      Takes the arguments of streamLayeredImage, and `compressor`.  nix/docker-tools/README.md describes them.
    */
    {
      name,
      compressor ? "gz",
      meta ? { },
      passthru ? { },
      ...
    }@arguments:

    let
      stream = streamLayeredImage (removeAttrs arguments [ "compressor" ]);
      compression = archiveCompression {
        function = "buildLayeredImage";
        image = name;
      } compressor;
      archive = packImage { inherit (stream) image; };
      result = compress {
        name = "${storeName name}.tar${compression.suffix}";
        file = archive;
        compressor = compression.name;
        inherit meta;
        passthru = {
          inherit stream;
          inherit (stream)
            image
            imageName
            imageTag
            layer
            layers
            plan
            updatePlan
            ;
        }
        // passthru;
      };
    in
    # streamLayeredImage rejects unknown arguments, even if only the result's name is used.
    builtins.seq stream result;
in
makeOverridable {
  __functor = _: buildLayeredImage;
  # streamLayeredImage's own list, so that there is no second one to keep in step.
  __functionArgs = streamLayeredImage.__functionArgs // {
    compressor = true;
  };
}

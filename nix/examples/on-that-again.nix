# Builds on an image that builds on another: inherits the environment and deletes a file of the lowest image.
{
  examples,
  mkImage,
  mkLayer,
}:

mkImage {
  name = "on-that-again";
  fromImage = examples.on-layers;
  layers = [
    (mkLayer {
      name = "no-letter";
      remove = [ "home/alice/letter" ];
    })
  ];
  config = {
    Env = [ "GENERATION=third" ];
    Cmd = [
      "sh"
      "-c"
      "test ! -e letter && echo The $GENERATION generation has no letter from the $WRITTEN_IN."
    ];
  };
}

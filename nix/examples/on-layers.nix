# Builds on another image: inherits its files, environment and user, and links to its layers without copying.
{ examples, mkImage }:

mkImage {
  name = "on-layers";
  fromImage = examples.non-root;
  config = {
    Env = [
      "GENERATION=second"
      "WRITTEN_IN=first"
    ];
    Cmd = [
      "sh"
      "-c"
      "echo The $GENERATION generation reads: && cat letter"
    ];
  };
}

# On an image of layers: its files, environment and user are there, and its layers are not copied.
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

{
  engineImage,
  imagePrograms,
  runImage,
  transportForms,
}:

/**
  Return what is built of an image on demand: its transport forms, its programs, and `run`.

  # Type

  ```
  imageAttributes :: Derivation -> AttrSet
  ```

  The argument is an image directory.
*/
directory:

let
  forms = transportForms directory;
in
forms
// imagePrograms directory
// engineImage {
  archive = forms.dockerArchive;
  inherit directory;
}
// {
  run = runImage { image = directory; };
}

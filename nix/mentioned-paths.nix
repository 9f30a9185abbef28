{ }:

/**
  The store paths that a value mentions, each once; null where evaluation cannot tell.

  # Type

  ```
  mentionedPaths :: Any -> [ StorePath ] | null
  ```

  A string knows which derivations it comes from but not which of its characters do, and what is no store
  path yet (a floating content-addressed one) cannot be found in it at all.  So the paths are looked for in
  the value's JSON, and believed where they are exactly those that its context promises, by name.
*/
value:

let
  json = builtins.toJSON value;
  context = builtins.getContext json;

  # HASH-NAME less HASH-, which of a derivation and its outputs is the same but for the ending.
  nameOf = path: builtins.substring 33 (-1) (baseNameOf path);
  outputName =
    derivation: output:
    builtins.head (builtins.match "(.*)\\.drv" (nameOf derivation))
    + (if output == "out" then "" else "-${output}");
  namesFrom =
    path:
    {
      outputs ? [ ],
      ...
    }:
    if outputs == [ ] then [ (nameOf path) ] else map (outputName path) outputs;
  promised = builtins.concatLists (map (path: namesFrom path context.${path}) (builtins.attrNames context));

  storePath = "(${builtins.storeDir}/[0-9a-z]{32}-[0-9a-zA-Z+._?=-]+)";
  text = builtins.unsafeDiscardStringContext json;
  matches = builtins.filter builtins.isList (builtins.split storePath text);
  found = builtins.attrNames (builtins.groupBy builtins.head matches);

  sorted = builtins.sort builtins.lessThan;
in
if promised == [ ] then
  [ ]
else if sorted (map nameOf found) == sorted promised then
  map (path: builtins.appendContext path context) found
else
  null

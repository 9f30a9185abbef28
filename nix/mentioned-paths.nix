{ }:

/**
  List the store paths that a value mentions, each once.  Return null if they are not known before a build.

  # Type

  ```
  mentionedPaths :: Any -> [ StorePath ] | null
  ```

  A string's context names the derivations that the string depends on, but not where their store paths are in
  the text.  Paths of floating content-addressed derivations are not in the text at all before a build.  So
  this function searches the value's JSON for store paths, and trusts the result only if their names are
  exactly those in the context.
*/
value:

let
  json = builtins.toJSON value;
  context = builtins.getContext json;

  # The name in STORE/HASH-NAME.  An output is named like its derivation, without .drv.
  nameOf = path: builtins.substring 33 (-1) (baseNameOf path);
  outputName =
    derivation: output:
    builtins.head (builtins.match "(.*)\\.drv" (nameOf derivation))
    + (if output == "out" then "" else "-${output}");
  outputNames =
    path:
    {
      outputs ? [ ],
      ...
    }:
    if outputs == [ ] then [ (nameOf path) ] else map (outputName path) outputs;
  expected = builtins.concatLists (builtins.attrValues (builtins.mapAttrs outputNames context));

  storePath = "(${builtins.storeDir}/[0-9a-z]{32}-[0-9a-zA-Z+._?=-]+)";
  text = builtins.unsafeDiscardStringContext json;
  matches = builtins.filter builtins.isList (builtins.split storePath text);
  found = builtins.attrNames (builtins.groupBy builtins.head matches);

  sorted = builtins.sort builtins.lessThan;
in
if expected == [ ] then
  [ ]
else if sorted (map nameOf found) == sorted expected then
  map (path: builtins.appendContext path context) found
else
  null

{ mentionedPaths }:

/**
  List the store paths whose closures contain everything that files at an image's root refer to.

  # Type

  ```
  sourceRoots :: String -> {
    copyToRoot :: Source | [ Source ],
    files :: { <path> :: { text | source | link :: String } | { directory :: true }, … },
    closure :: [ StorePath ],
  } -> { closure, omitRoot :: [ StorePath ] }
  ```

  The first argument is the function that errors name.  The result's `closure` contains the one that is given.  The
  paths in `omitRoot` are sources themselves: they are not needed under their own paths unless they are referred to.
*/
function:
{
  copyToRoot,
  files,
  closure,
}:

let
  fileList = map (path: files.${path}) (builtins.attrNames files);
  sourceList = if builtins.isList copyToRoot then copyToRoot else [ copyToRoot ];
  given =
    map (source: if source ? dest then source.source else source) sourceList
    ++ map (file: file.source) (builtins.filter (file: file ? source) fileList);

  # A path of this machine is copied to the store without references, so an edit there changes no plan.
  sources = map (source: "${source}") (builtins.filter (source: !builtins.isPath source) given);

  mentioned = mentionedPaths (map (file: file.text or file.link or "") fileList);
  mentionedRoots =
    if mentioned == null then
      throw ''
        ${function}: a text or link in `files` depends on store paths that are not known before a build.
        Add the packages to the `closure` of a layer, and take the context from the text with builtins.unsafeDiscardStringContext.''
    else
      mentioned;

  wanted = map (path: "${path}") (mentionedRoots ++ closure);
  isWithin = path: source: builtins.substring 0 (builtins.stringLength path + 1) "${source}/" == "${path}/";
  isWanted = source: builtins.any (path: isWithin path source) wanted;
in
{
  closure = sources ++ wanted;
  omitRoot = builtins.filter (source: !isWanted source) sources;
}

{ build, decompressorPackages }:

/**
  Write a software bill of materials of an image, or of a closure.

  # Type

  ```
  mkSbom :: {
    name :: String,
    image :: Image | Path | null,
    imageName, platform :: String | null,
    closure :: [ StorePath ],
    packages :: [ Derivation ],
    buildInputs :: Bool,
    format :: "cyclonedx" | "spdx" | "spdx3",
    meta, passthru :: AttrSet,
  } -> Derivation
  ```

  What evaluation knows of `packages` (description, homepage, licences, CPE, package URL) goes to the components
  that are their outputs.  `buildInputs` adds what everything was built from, down to sources; nothing is built for it.

  # Example

  ```nix
  mkSbom {
    inherit image;
    packages = [ pkgs.hello pkgs.glibc ];
  }
  ```
*/
{
  name ? "sbom",
  image ? null,
  imageName ? null,
  platform ? image.platform or null,
  closure ? if image == null then [ ] else [ image ],
  packages ? [ ],
  buildInputs ? false,
  format ? "cyclonedx",
  meta ? { },
  passthru ? { },
}:

let
  suffixes = {
    cyclonedx = "cdx.json";
    spdx = "spdx.json";
    spdx3 = "spdx3.json";
  };

  asList = value: if builtins.isList value then value else [ value ];

  license =
    value:
    if builtins.isString value then
      { name = value; }
    else
      {
        spdxId = value.spdxId or null;
        name = value.fullName or value.shortName or value.spdxId or "unknown";
      };

  describe = package: {
    name = package.pname or null;
    version = package.version or null;
    description = package.meta.description or null;
    homepage =
      if package ? meta.homepage then builtins.head (asList package.meta.homepage) else null;
    licenses = map license (asList (package.meta.license or [ ]));
    cpe = package.meta.identifiers.cpe or null;
    purl = package.meta.identifiers.purl or null;
  };

  # The .drv files are inputs, not what they build: they tell what was built from what, and nothing is built for it.
  derivations = map (built: builtins.unsafeDiscardOutputDependency built.drvPath) (
    builtins.filter (built: built ? drvPath) ((if image == null then closure else [ image ]) ++ packages)
  );

  # Paths without context: the bill does not depend on packages that are not in the image.
  outputsOf =
    package:
    map (output: {
      name = builtins.unsafeDiscardStringContext "${package.${output}}";
      value = describe package;
    }) (package.outputs or [ "out" ]);
in
if !(suffixes ? ${format}) then
  throw "mkSbom: found format = \"${format}\", expected cyclonedx, spdx or spdx3"
else if image == null && closure == [ ] then
  throw "mkSbom: found neither image nor closure, expected one of them"
else if buildInputs && derivations == [ ] then
  throw "mkSbom: buildInputs: found no derivation, expected one as image, in closure or in packages"
else
  build "mk-sbom" {
    name = "${name}.${suffixes.${format}}";
    request = {
      IMAGE = image;
      image = imageName;
      meta = builtins.listToAttrs (builtins.concatMap outputsOf packages);
      build-inputs = if buildInputs then derivations else [ ];
      inherit platform format;
    };
    exportReferencesGraph.closure = closure;
    tools = decompressorPackages;
    inherit meta passthru;
  }

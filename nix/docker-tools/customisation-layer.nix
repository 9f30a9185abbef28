{
  build,
  builderProgram,
  compressorPackages,
  mkTree,
  pkgs,
  runBash,
}:

/**
  The layer of what is copied or linked to an image's root and of what the user's commands make there.

  # Type

  ```
  customisationLayer :: {
    name :: String,
    copy, link :: [ Path ],
    keepDirlinks :: Bool,
    nixDb :: Tree | null,
    extraCommands, fakeRootCommands :: String,
    uid, gid :: Int,
    perms :: [ Rule ],
    mtime :: Int | String,
    withClosure :: Bool,
    mentions :: [ StorePath ],
    exclude :: [ Layer ],
    compressor :: String,
  } -> Layer
  ```

  With `withClosure`, what the tree mentions comes along under /nix/store, and what is in the closure of
  `mentions`, but not these themselves; less what the layers `exclude` have.

  The layer's `roots` are paths in whose closures all that the tree mentions is found.
*/
{
  name,
  copy ? [ ],
  link ? [ ],
  keepDirlinks ? false,
  nixDb ? null,
  extraCommands ? "",
  fakeRootCommands ? "",
  uid ? 0,
  gid ? 0,
  perms ? [ ],
  mtime ? 1,
  withClosure,
  mentions ? [ ],
  exclude ? [ ],
  compressor ? "none",
}:

let
  databases = if nixDb == null then [ ] else [ nixDb ];
  rules = (nixDb.perms or [ ]) ++ perms;

  tree = mkTree {
    name = "${name}-tree";
    inherit copy link keepDirlinks;
  };
  isEmpty = copy == [ ] && link == [ ];
  trees = (if isEmpty then [ ] else [ tree ]) ++ databases;

  request = {
    inherit exclude mtime compressor;
  };

  # Nix knows what the tree refers to.
  plain = build "mk-layer" {
    inherit name;
    request = request // {
      copy = map (item: "${item}") trees;
      omit-root = trees ++ mentions;
      perms = if rules == [ ] then null else rules;
    };
    ${if withClosure && trees ++ mentions != [ ] then "exportReferencesGraph" else null}.closure =
      trees ++ mentions;
    unsafeDiscardReferences.out = true;
    tools = compressorPackages compressor;
    passthru.roots = trees;
  };

  # Nix will know what the tree refers to when it is packed, too late for what is to be packed beside it.
  commands = runBash "${name}-commands" {
    text = extraCommands + fakeRootCommands;
    passAsFile = [ "text" ];
  } ''printf %s "$(<"$textPath")" >"$out"'';

  options = option: builtins.concatMap (item: [ option "${item}" ]);
  tools =
    pkgs.stdenv.initialPath or [
      pkgs.buildPackages.coreutils
      pkgs.buildPackages.busybox
    ]
    ++ [ pkgs.buildPackages.bash ]
    ++ (if fakeRootCommands == "" then [ ] else [ pkgs.buildPackages.fakeroot ])
    ++ compressorPackages compressor;

  customised = derivation {
    inherit name extraCommands fakeRootCommands;
    inherit (pkgs.stdenv.buildPlatform) system;
    __structuredAttrs = true;
    builder = "${pkgs.buildPackages.bash}/bin/bash";
    args = [ ./customisation-layer.sh ];
    path = map (tool: "${tool}/bin") tools;
    mkTree = builderProgram "mk-tree";
    mkPerms = builderProgram "mk-perms";
    mkLayer = builderProgram "mk-layer";
    treeOptions =
      options "--copy" copy
      ++ options "--link" link
      ++ (if keepDirlinks then [ "--keep-dirlinks" ] else [ ]);
    furtherPerms = builtins.toFile "perms.json" (builtins.toJSON rules);
    nixDb = if nixDb == null then "" else nixDb;
    inherit uid gid;
    request =
      request
      // {
        copy = [ "layer" ];
        perms = "perms.json";
      }
      // (if withClosure then { scan = [ "layer" ] ++ mentions; } else { compressor = "none"; });
    ${if withClosure then "exportReferencesGraph" else null}.closure =
      copy ++ link ++ databases ++ mentions ++ [ commands ];
    # Where the closure goes into other layers, Nix finds it by this one's references.
    unsafeDiscardReferences.out = withClosure;
  };

  hasCommands = extraCommands != "" || fakeRootCommands != "" || uid != 0 || gid != 0;
in
if hasCommands then
  customised // { roots = [ customised ]; }
else
  plain

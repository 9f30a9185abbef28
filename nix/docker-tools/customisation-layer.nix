{
  build,
  builderProgram,
  commandTools,
  compressorPackages,
  mkTree,
  pkgs,
  runBash,
}:

/**
  Build the layer of the files that are copied or linked to an image's root, after the user's commands have
  changed them.

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

  With `withClosure`, the layer also contains the store paths that the files and `mentions` refer to, but not
  `mentions` themselves, nor store paths that the layers in `exclude` contain.

  The result's `roots` are store paths whose closures contain everything that the files refer to.
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
  databaseRules = nixDb.perms or [ ];

  tree = mkTree {
    name = "${name}-tree";
    inherit copy link keepDirlinks;
  };
  isEmpty = copy == [ ] && link == [ ];
  trees = (if isEmpty then [ ] else [ tree ]) ++ databases;

  request = {
    inherit exclude mtime compressor;
  };

  # Without commands, Nix knows the references of the tree.
  rules = databaseRules ++ perms;
  layerWithoutCommands = build "mk-layer" {
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

  # With commands, the references of the tree are known only after the build has started, too late to ask Nix
  # for their closure.  So the builder gets the closure of all inputs, which mk-layer --scan limits to what the
  # tree mentions.  This file mentions the store paths that the commands may put into the tree.
  commands = runBash "${name}-commands" {
    text = extraCommands + fakeRootCommands;
    passAsFile = [ "text" ];
  } ''printf %s "$(<"$textPath")" >"$out"'';

  options =
    option:
    builtins.concatMap (item: [
      option
      "${item}"
    ]);
  tools =
    commandTools
    ++ (if fakeRootCommands == "" then [ ] else [ pkgs.buildPackages.fakeroot ])
    ++ compressorPackages compressor;

  # The commands may set modes and owners of the database, and theirs count.  Where none of them can have set an
  # owner, the database is root's and not that of `uid` and `gid`.
  databaseOwners =
    if uid == 0 && gid == 0 then [ ] else map (rule: removeAttrs rule [ "mode" ]) databaseRules;

  layerWithCommands = derivation {
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
    furtherPerms = builtins.toFile "perms.json" (builtins.toJSON (databaseOwners ++ perms));
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
    # Without its closure, the layer must keep its references: other layers contain what it refers to.
    unsafeDiscardReferences.out = withClosure;
  };

  hasCommands = extraCommands != "" || fakeRootCommands != "" || uid != 0 || gid != 0;
in
if hasCommands then
  layerWithCommands // { roots = [ layerWithCommands ]; }
else
  layerWithoutCommands

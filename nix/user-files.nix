{ }:

/**
  List the files that make users known in an image: /etc/passwd, /etc/group, /etc/nsswitch.conf, and a home
  directory for each user.  Root and nobody are always there.

  # Type

  ```
  userFiles :: {
    users :: { <name> :: { uid :: Int, gid :: Int, home, homeMode, shell, description :: String } },
    groups :: { <name> :: { gid :: Int, members :: [ String ] } },
  } -> AttrSet
  ```

  # Example

  ```nix
  mkImage {
    name = "greeter";
    files = userFiles { users.alice.uid = 1000; };
    config.User = "alice";
  }
  ```
*/
{
  users ? { },
  groups ? { },
}:

let
  builtinUsers = {
    root = {
      uid = 0;
      home = "/root";
      description = "root";
    };
    nobody = {
      uid = 65534;
      home = "/var/empty";
      homeMode = "0555";
      shell = "/bin/false";
      description = "nobody";
    };
  };

  withDefaults =
    name:
    {
      uid,
      gid ? uid,
      home ? "/home/${name}",
      homeMode ? "0700",
      shell ? "/bin/sh",
      description ? "",
    }:
    {
      inherit
        name
        uid
        gid
        home
        homeMode
        shell
        description
        ;
    };

  byNumber = list: builtins.sort (a: b: a.number < b.number) list;
  named = set: f: byNumber (map (name: f name set.${name}) (builtins.attrNames set));
  lines = list: builtins.concatStringsSep "" (map (item: "${item.line}\n") list);

  allUsers = builtins.mapAttrs withDefaults (builtinUsers // users);
  passwd = named allUsers (
    name: user: {
      number = user.uid;
      line = "${name}:x:${toString user.uid}:${toString user.gid}:${user.description}:${user.home}:${user.shell}";
    }
  );

  # A user has a group of the same name, unless a group of that number is listed.
  listedIds = map (group: toString group.gid) (builtins.attrValues groups);
  ownGroups = builtins.listToAttrs (
    map (user: {
      inherit (user) name;
      value.gid = user.gid;
    }) (builtins.filter (user: !(builtins.elem (toString user.gid) listedIds)) (builtins.attrValues allUsers))
  );
  group = named (ownGroups // groups) (
    name:
    {
      gid,
      members ? [ ],
    }:
    {
      number = gid;
      line = "${name}:x:${toString gid}:${builtins.concatStringsSep "," members}";
    }
  );

  homes = builtins.listToAttrs (
    map (user: {
      name = user.home;
      value = {
        directory = true;
        mode = user.homeMode;
        inherit (user) uid gid;
      };
    }) (builtins.attrValues allUsers)
  );
in
homes
// {
  "/etc/passwd".text = lines passwd;
  "/etc/group".text = lines group;
  "/etc/nsswitch.conf".text = "hosts: files dns\n";
}

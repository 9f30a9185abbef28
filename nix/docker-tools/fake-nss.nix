{ makeOverridable, runBash }:

/**
  A directory with /etc/passwd and /etc/group, for programs that look up the users root and nobody.

  # Type

  ```
  fakeNss :: Derivation
  fakeNss.override :: { extraPasswdLines, extraGroupLines :: [ String ] } -> Derivation
  ```
*/
makeOverridable (
  {
    extraPasswdLines ? [ ],
    extraGroupLines ? [ ],
  }:

  let
    lines = builtins.concatStringsSep "\n";
    passwd = [
      "root:x:0:0:root user:/var/empty:/bin/sh"
    ]
    ++ extraPasswdLines
    ++ [ "nobody:x:65534:65534:nobody:/var/empty:/bin/sh" ];
    group = [ "root:x:0:" ] ++ extraGroupLines ++ [ "nobody:x:65534:" ];
  in
  runBash "fake-nss"
    {
      passwd = lines passwd;
      group = lines group;
    }
    ''
      mkdir -p $out/etc $out/var/empty
      printf '%s\n' "$passwd" >$out/etc/passwd
      printf '%s\n' "$group" >$out/etc/group
      printf 'hosts: files dns\n' >$out/etc/nsswitch.conf
    ''
) { }

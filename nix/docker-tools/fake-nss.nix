{ runBash }:

/**
  A directory with /etc/passwd and /etc/group, for programs that look up the users root and nobody.
*/
runBash "fake-nss" { } ''
  mkdir -p $out/etc $out/var/empty
  printf '%s\n' 'root:x:0:0:root user:/var/empty:/bin/sh' 'nobody:x:65534:65534:nobody:/var/empty:/bin/sh' >$out/etc/passwd
  printf '%s\n' 'root:x:0:' 'nobody:x:65534:' >$out/etc/group
  printf 'hosts: files dns\n' >$out/etc/nsswitch.conf
''

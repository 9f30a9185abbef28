{ pkgs }:

/**
  Shell commands that create the files of useradd and groupadd if they are missing.
*/
''
  export PATH=${pkgs.shadow}/bin:$PATH
  mkdir -p /etc/pam.d
  if [ ! -e /etc/passwd ]; then
    echo 'root:x:0:0::/root:/bin/sh' >/etc/passwd
    echo 'root:!x:::::::' >/etc/shadow
  fi
  if [ ! -e /etc/group ]; then
    echo 'root:x:0:' >/etc/group
    echo 'root:x::' >/etc/gshadow
  fi
  if [ ! -e /etc/pam.d/other ]; then
    printf '%s sufficient pam_unix.so\n' account auth password session >/etc/pam.d/other
  fi
  if [ ! -e /etc/login.defs ]; then
    touch /etc/login.defs
  fi
''

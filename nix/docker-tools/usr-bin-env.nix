{ pkgs, runBash }:

/**
  A tree with /usr/bin/env, which scripts are started by.
*/
runBash "usr-bin-env" { } ''
  mkdir -p $out/usr/bin
  ln -s ${pkgs.coreutils}/bin/env $out/usr/bin/env
''

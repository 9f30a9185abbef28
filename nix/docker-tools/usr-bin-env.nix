{ pkgs, runBash }:

/**
  A directory with /usr/bin/env, which scripts name in their first line.
*/
runBash "usr-bin-env" { } ''
  mkdir -p $out/usr/bin
  ln -s ${pkgs.coreutils}/bin/env $out/usr/bin/env
''

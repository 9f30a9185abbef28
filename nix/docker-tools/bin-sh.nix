{ pkgs, runBash }:

/**
  A directory with /bin/sh, a link to bash.
*/
runBash "bin-sh" { } ''
  mkdir -p $out/bin
  ln -s ${pkgs.bashInteractive or pkgs.bash}/bin/bash $out/bin/sh
''

{ pkgs, runBash }:

/**
  A tree with /bin/sh: bash.
*/
runBash "bin-sh" { } ''
  mkdir -p $out/bin
  ln -s ${pkgs.bashInteractive or pkgs.bash}/bin/bash $out/bin/sh
''

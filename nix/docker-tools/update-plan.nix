{ pkgs, runBash }:

/**
  A program that writes a plan to the file that it is given, to be kept beside the expression.

  # Type

  ```
  updatePlan :: Plan -> Derivation
  ```

  The result is that program, not a directory with it.
*/
plan:

runBash "update-plan" { inherit plan; } ''
  {
    echo '#!${pkgs.bash}/bin/bash'
    echo 'set -eu'
    # The user's file may stand anywhere, and the store's is for reading alone.
    echo '[ $# = 1 ] || { echo "update-plan: error: bad usage: expected the file to write, as layeringPlan has it" >&2; exit 2; }'
    echo "text=\$(<$plan)"
    echo 'printf "%s\n" "$text" >"$1"'
  } >$out
  chmod +x $out
''

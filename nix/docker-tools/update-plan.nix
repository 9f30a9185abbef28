{ pkgs, runBash }:

/**
  Build a program that writes a plan to a file, for `layeringPlan`.

  # Type

  ```
  updatePlan :: Plan -> Derivation
  ```

  The result is the executable itself, not a directory.
*/
plan:

# The program does not use cp, which would make the file read-only like the plan in the store.
runBash "update-plan" { inherit plan; } ''
  {
    echo '#!${pkgs.buildPackages.bash}/bin/bash'
    echo 'set -eu'
    echo '[ $# = 1 ] || { echo "update-plan: error: bad usage: expected one argument, the file of layeringPlan to write" >&2; exit 2; }'
    echo "text=\$(<$plan)"
    echo 'printf "%s\n" "$text" >"$1"'
  } >$out
  chmod +x $out
''

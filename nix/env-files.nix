{ pkgs }:

/**
  List /usr/bin/env, a link to the program of a package.

  # Type

  ```
  envFiles :: { package :: StorePath } -> AttrSet
  ```
*/
{
  package ? pkgs.busybox,
}:

{
  "/usr/bin/env".link = "${package}/bin/env";
}

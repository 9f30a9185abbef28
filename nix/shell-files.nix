{ pkgs }:

/**
  List /bin/sh, a link to the shell of a package.

  # Type

  ```
  shellFiles :: { package :: StorePath } -> AttrSet
  ```
*/
{
  package ? pkgs.busybox,
}:

{
  "/bin/sh".link = "${package}/bin/sh";
}

{ }:

/**
  Return Go's name of an architecture.  It may be given by that name, or as compilers and kernels call it
  (`stdenv.hostPlatform.uname.processor`).

  # Type

  ```
  goArchitecture :: String -> String
  ```
*/
architecture:

{
  aarch64 = "arm64";
  armv5tel = "arm";
  armv6l = "arm";
  armv7l = "arm";
  i386 = "386";
  i486 = "386";
  i586 = "386";
  i686 = "386";
  loongarch64 = "loong64";
  powerpc64 = "ppc64";
  powerpc64le = "ppc64le";
  x86_64 = "amd64";
}
.${architecture} or architecture

{ pkgs }:

/**
  List the links to the CA certificates, under the three paths where programs look for them.

  # Type

  ```
  certificateFiles :: { package :: StorePath } -> AttrSet
  ```
*/
{
  package ? pkgs.cacert,
}:

let
  certificates.link = "${package}/etc/ssl/certs/ca-bundle.crt";
in
{
  "/etc/ssl/certs/ca-bundle.crt" = certificates;
  "/etc/ssl/certs/ca-certificates.crt" = certificates;
  "/etc/pki/tls/certs/ca-bundle.crt" = certificates;
}

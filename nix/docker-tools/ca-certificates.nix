{ pkgs, runBash }:

/**
  A directory with the CA certificates, under the three paths where programs look for them.
*/
runBash "ca-certificates" { } ''
  mkdir -p $out/etc/ssl/certs $out/etc/pki/tls/certs
  for place in ssl/certs/ca-bundle.crt ssl/certs/ca-certificates.crt pki/tls/certs/ca-bundle.crt; do
    ln -s ${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt $out/etc/$place
  done
''

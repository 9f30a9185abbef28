/**
  An overlay for nixpkgs that adds `laminix`.
*/
final: _: {
  laminix = import ../. { pkgs = final; };
}

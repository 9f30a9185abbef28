/**
  An overlay for nixpkgs that replaces dockerTools.
*/
final: previous:

let
  theirs = previous.dockerTools;
  ours = (import ../.. { pkgs = final // { dockerTools = theirs; }; }).dockerTools;
in
{
  dockerTools =
    theirs
    // ours
    // {
      override = changes: theirs.override changes // ours.override changes;
    };
}

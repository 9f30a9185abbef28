/**
  An overlay for nixpkgs that replaces the image functions of dockerTools and keeps the rest.
*/
final: previous: {
  dockerTools = previous.dockerTools // {
    inherit ((import ../.. { pkgs = final; }).dockerTools)
      buildImage
      buildImageWithNixDb
      buildLayeredImage
      buildLayeredImageWithNixDb
      streamLayeredImage
      ;
  };
}

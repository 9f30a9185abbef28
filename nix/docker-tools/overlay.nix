/**
  An overlay for nixpkgs that replaces dockerTools' builders of images by laminix's and leaves the rest.
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

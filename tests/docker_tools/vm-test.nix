/**
  The cases of dockerTools' NixOS test, in a virtual machine: `nix-build tests/docker_tools/vm-test.nix`.
*/
{
  pkgs ? import <nixpkgs> { },
  dockerTools ? (import ../.. { inherit pkgs; }).dockerTools,
}:

pkgs.testers.runNixOSTest {
  name = "laminix-docker-tools";
  nodes.docker = {
    virtualisation = {
      diskSize = 8192;
      docker.enable = true;
      memorySize = 2048;
    };
    environment.systemPackages = [ pkgs.curl ];
  };
  skipTypeCheck = true;
  testScript = import ./vm-test-script.nix { inherit pkgs dockerTools; };
}

"""mkIndex and mkArtifact, built in Nix's sandbox."""

import json

IMAGES = """
let
  image = architecture: mkImage { name = "example.org/x"; tag = "1"; inherit architecture; config.Cmd = [ "${pkgs.busybox}/bin/sh" ]; };
  index = mkIndex { images = map image [ "amd64" "arm64" ]; };
  attached = mkArtifact {
    image = image "amd64";
    artifactType = "application/vnd.cyclonedx+json";
    files = [ { mediaType = "application/vnd.cyclonedx+json"; path = mkSbom { image = image "amd64"; }; } ];
  };
  attested = mkIndex {
    images = map image [ "amd64" "arm64" ];
    attestations = [
      { platform = "linux/amd64"; predicateType = "https://spdx.dev/Document"; predicate = mkSbom { image = image "amd64"; format = "spdx"; }; }
    ];
  };
  ofIndex = mkArtifact { image = index; index = true; artifactType = "text/x"; files = [ { mediaType = "text/x"; path = ./nix/README.md; } ]; };
in
"""


def test_an_index(nix, builder):
    index, archive, layout = nix.build_all(IMAGES + "[ index index.ociArchive index.oci ]")
    for place in (index, archive, layout):
        for platform in ("linux/amd64", "linux/arm64"):
            done = builder("verify-image", place, "--platform", platform)
            assert (done.returncode, done.stdout.partition(" ")[0]) == (0, "example.org/x:1:"), done.stderr
    blobs = list((index / "blobs/sha256").iterdir())
    assert any(blob.is_symlink() for blob in blobs) and not any(path.is_symlink() for path in layout.rglob("*"))
    assert nix("nix-store", "--query", "--references", archive, layout).stdout == ""


def test_an_image_on_one_platform_of_it(nix, builder):
    merged = nix.build(
        IMAGES + 'mkImage { name = "y"; fromImage = index; architecture = "arm64"; copyToRoot = ./nix; }'
    )
    (listed,) = [json.loads(builder("list-layers", merged, "--json").stdout)]
    assert len(listed) == 2


def test_an_artifact(nix, builder):
    attached, packed = nix.build_all(IMAGES + "[ attached attached.ociArchive ]")
    image, artifact = json.loads((attached / "index.json").read_bytes())["manifests"]
    assert artifact["artifactType"] == "application/vnd.cyclonedx+json"
    manifest = json.loads((attached / "blobs" / artifact["digest"].replace(":", "/")).read_bytes())
    assert manifest["subject"]["digest"] == image["digest"]
    assert manifest["layers"][0]["annotations"] == {"org.opencontainers.image.title": "sbom.cdx.json"}
    assert builder("verify-image", packed).returncode == 0


def test_an_artifact_of_an_index(nix):
    layout = nix.build(IMAGES + "ofIndex")
    index, artifact = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = json.loads((layout / "blobs" / artifact["digest"].replace(":", "/")).read_bytes())
    assert manifest["subject"]["digest"] == index["digest"]


def test_attestations(nix, builder):
    layout, archive = nix.build_all(IMAGES + "[ attested attested.ociArchive ]")
    read = lambda digest: json.loads((layout / "blobs" / digest.replace(":", "/")).read_bytes())
    index = read(json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"])
    amd64, _, attestation = index["manifests"]
    (layer,) = read(attestation["digest"])["layers"]
    statement = read(layer["digest"])
    assert statement["subject"][0]["digest"] == {"sha256": amd64["digest"][7:]}
    assert statement["predicate"]["spdxVersion"] == "SPDX-2.3"
    assert builder("verify-image", archive, "--platform", "linux/amd64").returncode == 0

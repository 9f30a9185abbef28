"""cosign signs images and indexes that push-image has pushed, under the digests that they have here."""

import json

import pytest

from engines import registry
from engines.program import EngineError, output
from image_maker import ImageMaker

OFFLINE = "--insecure-ignore-tlog=true"


@pytest.fixture
def maker(builder, tmp_path):
    """The images of one test."""
    return ImageMaker(builder, tmp_path)


@pytest.fixture
def cosign(need, scratch):
    """``cosign(WORD, …)``: what cosign prints; it has made a pair of keys."""
    need("cosign", *registry.NEEDS)

    def run(*argv: object) -> str:
        keys = {"sign": "key", "attest": "key", "verify": "pub", "verify-attestation": "pub"}
        key = ("--key", f"{scratch}/cosign.{keys[argv[0]]}") if argv[0] in keys else ()
        return output("cosign", str(argv[0]), *key, *map(str, argv[1:]), env=environment)

    environment = {"COSIGN_PASSWORD": "x", "COSIGN_YES": "true", "HOME": scratch}
    run("generate-key-pair", "--output-key-prefix", f"{scratch}/cosign")
    return run


def test_an_image_and_its_bill(maker, cosign, scratch):
    image = maker.image("x", {}, maker.layer("base", {"etc/x": b"x"}))
    (entry,) = json.loads((image / "index.json").read_bytes())["manifests"]
    bill = maker.directory / "bill.cdx.json"
    bill.write_text(maker.run("mk-sbom", image))
    with registry.serve(scratch) as hub:
        there = f"{hub.host}/team/app"
        maker.run("push-image", image, f"docker://{there}:1", "--preserve-digests")
        with pytest.raises(EngineError, match="no signatures found"):
            cosign("verify", OFFLINE, f"{there}:1")
        cosign("sign", "--tlog-upload=false", f"{there}@{entry['digest']}")
        (signature,) = json.loads(cosign("verify", OFFLINE, f"{there}:1"))
        assert signature["critical"]["image"] == {"docker-manifest-digest": entry["digest"]}
        cosign(
            "attest", "--tlog-upload=false", "--type", "cyclonedx", "--predicate", bill, f"{there}@{entry['digest']}"
        )
        cosign("verify-attestation", OFFLINE, "--type", "cyclonedx", f"{there}:1")
        maker.run("verify-image", f"docker://{there}:1")


def test_an_index_and_its_images(maker, cosign, scratch):
    image = maker.image("x", {}, maker.layer("base", {"etc/x": b"x"}))
    layout = maker.build("index", "mk-index", "--name", "x", "--image", image)
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    with registry.serve(scratch) as hub:
        maker.run("push-image", layout, f"docker://{hub.host}/team/app:1", "--all")
        cosign("sign", "--tlog-upload=false", "--recursive", f"{hub.host}/team/app@{entry['digest']}")
        (signature,) = json.loads(cosign("verify", OFFLINE, f"{hub.host}/team/app:1"))
        assert signature["critical"]["image"] == {"docker-manifest-digest": entry["digest"]}
        here = json.loads((image / "index.json").read_bytes())["manifests"][0]["digest"]
        cosign("verify", OFFLINE, f"{hub.host}/team/app@{here}")

"""mk-sbom: bills of materials that their projects' validators accept, and what is in them."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from file_trees import DIRECTORY, tar, write_tar
from image_forms import Image, digest, docker_oci
from peak_memory import peak_memory
from sbom_validators import NEEDS, VALIDATORS

LIB, APP, DATA = (
    f"/nix/store/{letter * 32}-{name}" for letter, name in (("1", "lib-1.2"), ("2", "app-dev"), ("3", "data+x_1.0"))
)
HEX = "31385f82234a80aeeaf481811de6947a750479314cb601da77a0cab7956bf398"
NAR_HASH = "sha256-MThfgiNKgK7q9IGBHeaUenUEeTFMtgHad6DKt5Vr85g="


def store_layer(path: str, content: bytes) -> bytes:
    """A tar with the store path PATH and the file f in it."""
    name = path.lstrip("/")
    return tar({"nix": DIRECTORY, "nix/store": DIRECTORY, name: DIRECTORY, f"{name}/f": content})


LAYERS = (store_layer(LIB, b"l"), store_layer(APP, f"{LIB} {DATA}".encode()), store_layer(DATA, b"d"))
IMAGE = Image(LAYERS, {"Cmd": [APP]}, name="registry.example:5000/team/app")
CLOSURE = [
    {"path": LIB, "narSize": 1, "narHash": NAR_HASH, "references": [LIB]},
    {"path": APP, "narSize": 2, "narHash": NAR_HASH, "references": [LIB, DATA, APP]},
    {"path": DATA, "narSize": 3, "narHash": NAR_HASH, "references": []},
]
META = {
    LIB: {
        "name": "The Lib",
        "version": "1.2.0",
        "description": "A library\nof <things>",
        "homepage": "https://lib.example/?a=1&b=ü",
        "licenses": [{"spdxId": "MIT", "name": "MIT License"}, {"spdxId": "Apache-2.0"}],
        "cpe": "cpe:2.3:a:lib:lib:1.2.0:*:*:*:*:*:*:*",
        "purl": "pkg:github/lib/lib@1.2.0",
    },
    APP: {"licenses": [{"name": "Our own"}, {"spdxId": "MIT"}], "cpe": None},
}


@pytest.fixture
def sbom(builder, tmp_path):
    """``sbom(…)``: the document that mk-sbom prints; the files in ARGV are written from values."""

    def run(*argv, image=None, closure=None, meta=None):
        words = [] if image is None else [write_tar(str(tmp_path / "image.tar"), docker_oci(image))]
        for name, value in (("closure", closure), ("meta", meta)):
            if value is not None:
                (tmp_path / f"{name}.json").write_text(json.dumps(value))
                words += [f"--{name}", tmp_path / f"{name}.json"]
        done = builder("mk-sbom", *words, *argv)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return run


SUFFIXES = {"cyclonedx": "bill.cdx.json", "spdx": "bill.spdx.json", "spdx3": "bill.spdx3.json"}
EVERYTHING = {"image": IMAGE, "closure": CLOSURE, "meta": META}
OUTSIDE = replace(IMAGE, layers=(*LAYERS, tar({"etc/x": b"x"})))
EVIL = f"/nix/store/{'4' * 32}-\x1b[3m<é>"


@pytest.mark.parametrize("format_", VALIDATORS)
@pytest.mark.parametrize(
    "given",
    [
        EVERYTHING,
        {"image": IMAGE},
        {"closure": CLOSURE},
        {"closure": []},
        {"image": OUTSIDE},
        {"image": replace(IMAGE, layers=(store_layer(EVIL, b""),))},
        {"image": replace(IMAGE, more={"created": "2024-02-29T12:00:00.123456789+01:00"})},
    ],
    ids=["everything", "image", "closure", "nothing", "outside", "evil", "created"],
)
def test_the_validators_accept_it(need, sbom, tmp_path, given, format_):
    need(*NEEDS)
    document = tmp_path / SUFFIXES[format_]
    document.write_text(json.dumps(sbom("--format", format_, **given)))
    assert VALIDATORS[format_](document) == ""


@pytest.mark.parametrize("format_", VALIDATORS)
def test_the_validators_refuse_what_is_wrong(need, sbom, tmp_path, format_):
    need(*NEEDS)
    bill = sbom("--format", format_, **EVERYTHING)
    faults = {
        "cyclonedx": lambda: bill["components"][0].pop("name"),
        "spdx": lambda: bill["packages"][0].pop("name"),
        "spdx3": lambda: bill["@graph"][-1].pop("creationInfo"),
    }
    faults[format_]()
    document = tmp_path / SUFFIXES[format_]
    document.write_text(json.dumps(bill))
    assert VALIDATORS[format_](document) != ""


def test_cyclonedx(sbom):
    bill = sbom(**EVERYTHING)
    subject, components = bill["metadata"]["component"], {item["bom-ref"]: item for item in bill["components"]}
    assert (subject["type"], subject["name"], subject["version"]) == ("container", IMAGE.name, "v1")
    assert subject["purl"].startswith("pkg:oci/app@sha256%3A") and subject["purl"].endswith("?tag=v1")
    lib = components[LIB[11:]]
    assert (lib["name"], lib["version"], lib["purl"]) == ("The Lib", "1.2.0", "pkg:github/lib/lib@1.2.0")
    assert lib["hashes"] == [{"alg": "SHA-256", "content": HEX}]
    assert lib["licenses"] == [{"expression": "MIT AND Apache-2.0"}]
    assert {"name": "oci:layer_digest", "value": digest(LAYERS[0])} in lib["properties"]
    assert {"name": "nix:output_path", "value": LIB} in lib["properties"]
    app, data = components[APP[11:]], components[DATA[11:]]
    assert (app["name"], "version" in app) == ("app-dev", False)
    assert app["licenses"] == [{"license": {"name": "Our own"}}, {"license": {"name": "MIT"}}]
    assert data["purl"] == f"pkg:nix/data%2Bx_1.0?outputhash={'3' * 32}"
    depends = {item["ref"]: item["dependsOn"] for item in bill["dependencies"]}
    assert depends == {"subject": [APP[11:]], APP[11:]: [LIB[11:], DATA[11:]], LIB[11:]: [], DATA[11:]: []}
    assert bill["compositions"] == [{"aggregate": "complete", "assemblies": ["subject"]}]


def test_spdx(sbom):
    bill = sbom("--format", "spdx", **EVERYTHING)
    packages = {item["name"]: item for item in bill["packages"]}
    lib, own = packages["The Lib"], f"SPDXRef-{LIB[11:]}"
    assert (lib["SPDXID"], lib["versionInfo"], lib["licenseDeclared"]) == (own, "1.2.0", "MIT AND Apache-2.0")
    assert lib["checksums"] == [{"algorithm": "SHA256", "checksumValue": HEX}]
    assert packages["app-dev"]["licenseDeclared"] == "LicenseRef-Our-own AND MIT"
    assert bill["hasExtractedLicensingInfos"][0]["licenseId"] == "LicenseRef-Our-own"
    related = {tuple(item.values()) for item in bill["relationships"]}
    assert (f"SPDXRef-{APP[11:]}", "DEPENDS_ON", own) in related and ("SPDXRef-subject", "CONTAINS", own) in related
    assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-subject") in related


def test_spdx3(sbom):
    bill = sbom("--format", "spdx3", **EVERYTHING)
    assert bill["@context"] == "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
    elements = {item.get("spdxId", "#").rpartition("#")[2]: item for item in bill["@graph"]}
    lib, app, data = (f"SPDXRef-{path[11:].replace('+', '-').replace('_', '-')}" for path in (LIB, APP, DATA))
    assert {elements[lib][key] for key in ("name", "software_packageVersion")} == {"The Lib", "1.2.0"}
    assert elements[lib]["verifiedUsing"] == [{"type": "Hash", "algorithm": "sha256", "hashValue": HEX}]
    assert elements[lib]["externalIdentifier"][0]["identifier"] == META[LIB]["cpe"]
    assert digest(LAYERS[0]) in elements[lib]["comment"]
    related = {
        (item["from"].rpartition("#")[2], item["relationshipType"], target.rpartition("#")[2])
        for item in bill["@graph"]
        if item["type"] == "Relationship"
        for target in item["to"]
    }
    names = {
        name: item["simplelicensing_licenseExpression"]
        for name, item in elements.items()
        if item["type"] == "simplelicensing_LicenseExpression"
    }
    assert related == {
        *(("subject", "contains", each) for each in (lib, app, data)),
        ("subject", "dependsOn", app),
        (app, "dependsOn", lib),
        (app, "dependsOn", data),
        *((lib if "Apache" in expression else app, "hasDeclaredLicense", name) for name, expression in names.items()),
    }
    assert sorted(names.values()) == ["LicenseRef-Our-own AND MIT", "MIT AND Apache-2.0"]
    (entry,) = sum((item.get("simplelicensing_customIdToUri", []) for item in elements.values()), [])
    assert elements[entry["value"].rpartition("#")[2]]["simplelicensing_licenseText"] == "Our own"


@pytest.mark.parametrize("format_", VALIDATORS)
def test_a_large_closure_takes_little_memory(tmp_path, format_):
    paths = [f"/nix/store/{number:032}-package-{number}-1.0" for number in range(10_000)]
    closure = [
        {"path": path, "narSize": 1, "narHash": NAR_HASH, "references": paths[max(0, number - 6) : number + 1]}
        for number, path in enumerate(paths)
    ]
    (tmp_path / "closure.json").write_text(json.dumps(closure))
    mk_sbom = Path(__file__).parents[2] / "builders" / "mk-sbom"
    argv = [sys.executable, "-I", "-B", mk_sbom, "--closure", tmp_path / "closure.json", "--format", format_]
    assert peak_memory(["sh", "-c", 'exec "$@" >/dev/null', "sh", *argv]) < 100 << 20


SOURCE, TOOL_OUT = (f"/nix/store/{letter * 32}-{name}" for letter, name in (("5", "s.tar"), ("6", "cc-9")))


@pytest.fixture
def image_drv(tmp_path):
    """The .drv file of an image made of APP and LIB, which a compiler made of a source; one output is not known."""

    def write(name, outputs, inputs=(), sources=()):
        listed = ",".join(f'("{key}","{path}","{method}","{hex_}")' for key, path, method, hex_ in outputs)
        used = ",".join(f'("{path}",["out"])' for path in inputs)
        text = f'Derive([{listed}],[{used}],{json.dumps(sources)},"s","b",[],[])'
        path = tmp_path / f"{name}.drv"
        path.write_text(text)
        return str(path)

    out = lambda path: [("out", path, "", "")]
    source = write("source", [("out", SOURCE, "sha256", HEX)])
    compiler = write("cc", [*out(TOOL_OUT), ("man", "/nix/store/unused", "", "")], [source], ["/nix/store/builder.sh"])
    floating = write("ca", [("out", "", "r:sha256", "")])
    lib = write("lib", out(LIB), [compiler, source])
    app = write("app", out(APP), [compiler, lib, floating])
    return write("image", out("/nix/store/image"), [app, lib])


def built_from(image_drv) -> dict[str, set[str]]:
    """What each store path was built from; the subject is called so."""
    directory = Path(image_drv).parent
    return {
        "subject": {APP, LIB},
        APP: {TOOL_OUT, LIB, str(directory / "ca.drv")},
        LIB: {TOOL_OUT, SOURCE},
        TOOL_OUT: {SOURCE, "/nix/store/builder.sh"},
        SOURCE: set(),
        str(directory / "ca.drv"): set(),
    }


def test_build_inputs_in_cyclonedx(sbom, image_drv):
    bill = sbom("--build-inputs", image_drv, **EVERYTHING)
    (formula,) = bill["formulation"]
    paths = {item["bom-ref"]: item["properties"][0]["value"] for item in bill["components"] + formula["components"]}
    assert {paths[item["bom-ref"]] for item in bill["components"]} == {LIB, APP, DATA}
    found = {
        paths.get(output["resource"]["ref"], "subject"): {paths[item["resource"]["ref"]] for item in flow["inputs"]}
        for flow in formula["workflows"]
        for output in flow["outputs"]
    }
    assert found == built_from(image_drv)
    (source,) = [item for item in formula["components"] if item["name"] == "s.tar"]
    assert source["hashes"] == [{"alg": "SHA-256", "content": HEX}]
    assert {flow["uid"] for flow in formula["workflows"]} >= {image_drv}


def test_build_inputs_in_spdx(sbom, image_drv):
    bill = sbom("--format", "spdx", "--build-inputs", image_drv, **EVERYTHING)
    paths = {item["SPDXID"]: item["comment"].split()[2].rstrip(";") for item in bill["packages"][1:]}
    pairs = {
        (paths.get(item["relatedSpdxElement"], "subject"), paths[item["spdxElementId"]])
        for item in bill["relationships"]
        if item["relationshipType"] == "BUILD_DEPENDENCY_OF"
    }
    assert pairs == {(output, path) for output, inputs in built_from(image_drv).items() for path in inputs}
    contained = [item for item in bill["relationships"] if item["relationshipType"] == "CONTAINS"]
    assert len(contained) == 3


def test_build_inputs_in_spdx3(sbom, image_drv):
    bill = sbom("--format", "spdx3", "--build-inputs", image_drv, **EVERYTHING)
    packages = [item for item in bill["@graph"] if item["type"] == "software_Package"]
    paths = {item["spdxId"]: item["comment"].split()[2].rstrip(";") for item in packages[1:]}
    pairs = {
        (paths.get(item["from"], "subject"), paths[target])
        for item in bill["@graph"]
        if item["type"] == "LifecycleScopedRelationship"
        and (item["scope"], item["relationshipType"]) == ("build", "dependsOn")
        for target in item["to"]
    }
    assert pairs == {(output, path) for output, inputs in built_from(image_drv).items() for path in inputs}


@pytest.mark.parametrize("format_", VALIDATORS)
def test_the_validators_accept_build_inputs(need, sbom, image_drv, tmp_path, format_):
    need(*NEEDS)
    bill, plain = sbom("--format", format_, "--build-inputs", image_drv, **EVERYTHING), sbom(
        "--format", format_, **EVERYTHING
    )
    document = tmp_path / SUFFIXES[format_]
    document.write_text(json.dumps(bill))
    assert VALIDATORS[format_](document) == "" and bill != plain
    if format_ == "cyclonedx":
        assert bill["serialNumber"] != plain["serialNumber"]


def test_files_outside_the_store_make_it_incomplete(sbom):
    assert sbom(image=OUTSIDE)["compositions"][0]["aggregate"] == "incomplete"
    assert sbom("--format", "spdx", image=OUTSIDE)["packages"][0]["comment"].startswith("1 files of the image")


def test_references_of_an_image_alone_are_searched(sbom):
    depends = {item["ref"]: item["dependsOn"] for item in sbom(image=IMAGE)["dependencies"]}
    assert depends[APP[11:]] == [LIB[11:], DATA[11:]]


def test_a_closure_alone(sbom):
    bill = sbom(closure=CLOSURE)
    assert [item["bom-ref"] for item in bill["components"]] == [LIB[11:], APP[11:], DATA[11:]]
    assert bill["metadata"]["component"] == {"type": "application", "bom-ref": "subject", "name": "app-dev"}
    assert sbom("--name", "mine", closure=CLOSURE)["metadata"]["component"]["name"] == "mine"


def test_time_and_uuid_come_from_the_content(sbom):
    bill, again, other = sbom(**EVERYTHING), sbom(**EVERYTHING), sbom(image=IMAGE, closure=CLOSURE)
    assert bill == again and bill["serialNumber"] != other["serialNumber"]
    assert re.fullmatch(
        "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", bill["serialNumber"]
    )
    assert bill["metadata"]["timestamp"] == "2015-01-01T00:00:00Z"
    dated = replace(IMAGE, more={"created": "2024-02-29T12:00:00.5+01:00"})
    assert sbom(image=dated)["metadata"]["timestamp"] == "2024-02-29T11:00:00Z"
    assert sbom(closure=CLOSURE)["metadata"]["timestamp"] == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("meta", "complaint"),
    [
        ({LIB: {"licence": "MIT"}}, "unknown key 'licence'"),
        ({LIB: {"licenses": [{}]}}, "licenses[0]: expected spdxId or name"),
        ({LIB: {"homepage": 1}}, "homepage: found a whole number, expected a string"),
    ],
)
def test_faulty_meta(builder, tmp_path, meta, complaint):
    (tmp_path / "closure.json").write_text(json.dumps(CLOSURE))
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    done = builder("mk-sbom", "--closure", tmp_path / "closure.json", "--meta", tmp_path / "meta.json")
    assert (done.returncode, done.stdout) == (1, "") and complaint in done.stderr


def test_nothing_to_describe(builder):
    done = builder("mk-sbom", "--format", "spdx")
    assert done.stderr == "mk-sbom: error: nothing to describe: give an IMAGE, a --closure, or both\n"

"""A bill as CycloneDX 1.7 (https://cyclonedx.org/docs/1.7/json/)."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from laminix.errors import one_line
from laminix.sbom.bill import TOOL, Bill, Component
from laminix.sbom.meta import License

VERSION = "1.7"


def to_cyclonedx(bill: Bill) -> dict[str, Any]:
    """BILL as a CycloneDX document, for ``dumped_parts``: components by store path, references as dependencies."""
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "serialNumber": f"urn:uuid:{bill.identity()}",
        "version": 1,
        "metadata": {
            "timestamp": bill.created,
            "tools": {"components": [{"type": "application", "name": TOOL}]},
            "component": _subject(bill),
        },
        "components": map(_component, bill.components),
        "dependencies": _dependencies(bill),
        "compositions": [{"aggregate": "incomplete" if bill.outside else "complete", "assemblies": ["subject"]}],
    }
    if bill.build_steps:
        document["formulation"] = [_formula(bill)]
    return document


def _dependencies(bill: Bill) -> Iterator[dict[str, Any]]:
    refs = {component.path: component.base_name for component in bill.components}
    yield {"ref": "subject", "dependsOn": [refs[path] for path in bill.roots]}
    for component in bill.components:
        yield {"ref": component.base_name, "dependsOn": [refs[path] for path in component.references]}


def _formula(bill: Bill) -> dict[str, Any]:
    """How everything was built: a workflow for each derivation, and components that only builds needed."""
    refs = {component.path: component.base_name for component in (*bill.components, *bill.build_components)}
    formula = {"bom-ref": "build", "components": [_component(component) for component in bill.build_components]}
    formula["workflows"] = [
        {
            "bom-ref": one_line(step.derivation.rpartition("/")[2]) + "-build",
            "uid": one_line(step.derivation),
            "taskTypes": ["build"],
            "inputs": [{"resource": {"ref": refs[path]}} for path in step.inputs],
            "outputs": [
                {"type": "artifact", "resource": {"ref": ref}}
                for ref in [refs[path] for path in step.outputs] or ["subject"]
            ],
        }
        for step in bill.build_steps
    ]
    return {key: value for key, value in formula.items() if value}


def _subject(bill: Bill) -> dict[str, Any]:
    subject = {"type": "container" if bill.is_image else "application", "bom-ref": "subject", "name": bill.name}
    if bill.version:
        subject["version"] = bill.version
    if bill.digest:
        subject["hashes"] = [_hash(bill.digest)]
        subject["purl"] = oci_purl(bill)
    return subject


def oci_purl(bill: Bill) -> str:
    """The package URL of an image: type oci, by the last component of its name and its manifest's digest."""
    tag = f"?tag={quote(bill.version, safe='')}" if bill.version else ""
    return f"pkg:oci/{quote(bill.name.rpartition('/')[2], safe='')}@{quote(bill.digest, safe='')}{tag}"


def _component(component: Component) -> dict[str, Any]:
    meta = component.meta
    properties = [{"name": "nix:output_path", "value": component.path}]
    properties += [{"name": "oci:layer_digest", "value": layer} for layer in component.layers]
    fields = {
        "type": "library",
        "bom-ref": component.base_name,
        "name": component.name,
        "version": component.version,
        "description": meta.description,
        "hashes": [_hash(component.digest)] if component.digest else [],
        "licenses": _licenses(meta.licenses),
        "cpe": meta.cpe,
        "purl": component.purl,
        "externalReferences": [{"type": "website", "url": meta.homepage}] if meta.homepage else [],
        "properties": properties,
    }
    return {key: value for key, value in fields.items() if value}


def _hash(digest: str) -> dict[str, str]:
    algorithm, _, content = digest.partition(":")
    return {"alg": f"SHA-{algorithm.removeprefix('sha')}", "content": content}


def _licenses(licenses: Sequence[License]) -> list[dict[str, Any]]:
    """One expression if all licences have an SPDX identifier, otherwise names."""
    if licenses and all(license.spdx_id for license in licenses):
        return [{"expression": " AND ".join(license.spdx_id for license in licenses)}]
    return [{"license": {"name": license.name}} for license in licenses]

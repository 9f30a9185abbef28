"""A bill as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/)."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from laminix.sbom.bill import TOOL, Bill, Component
from laminix.sbom.cyclonedx import oci_purl
from laminix.sbom.meta import License

UNKNOWN = "NOASSERTION"
DOCUMENT, SUBJECT = "SPDXRef-DOCUMENT", "SPDXRef-subject"


def to_spdx(bill: Bill) -> dict[str, Any]:
    """BILL as an SPDX document: a package for each store path, references as relationships."""
    ids = {component.path: _id(component.base_name) for component in bill.components}
    relationships = [_relationship(DOCUMENT, "DESCRIBES", SUBJECT)]
    if bill.is_image:
        relationships += [_relationship(SUBJECT, "CONTAINS", ids[item.path]) for item in bill.components]
    relationships += [_relationship(SUBJECT, "DEPENDS_ON", ids[path]) for path in bill.roots]
    for component in bill.components:
        own = ids[component.path]
        relationships += [_relationship(own, "DEPENDS_ON", ids[path]) for path in component.references]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{quote(bill.name, safe='')}-{bill.identity()}",
        "creationInfo": {"created": bill.created, "creators": [f"Tool: {TOOL.replace(' ', '-')}"]},
        "packages": [_subject(bill), *(_package(component, ids[component.path]) for component in bill.components)],
        "relationships": relationships,
    }
    named = {
        license.name for component in bill.components for license in component.meta.licenses if not license.spdx_id
    }
    if named:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": _license_id(name), "extractedText": name, "name": name} for name in sorted(named)
        ]
    return document


def _subject(bill: Bill) -> dict[str, Any]:
    subject = {
        "name": bill.name,
        "SPDXID": SUBJECT,
        **({"versionInfo": bill.version} if bill.version else {}),
        "primaryPackagePurpose": "CONTAINER" if bill.is_image else "APPLICATION",
        **_unknown(),
    }
    if bill.outside:
        subject["comment"] = f"{bill.outside} files of the image belong to no store path and are not described"
    if bill.digest:
        subject["checksums"] = [_checksum(bill.digest)]
        subject["externalRefs"] = [_reference("PACKAGE-MANAGER", "purl", oci_purl(bill))]
    return subject


def _package(component: Component, own_id: str) -> dict[str, Any]:
    meta = component.meta
    references = [_reference("PACKAGE-MANAGER", "purl", component.purl)]
    if meta.cpe:
        references.append(_reference("SECURITY", "cpe23Type", meta.cpe))
    fields = {
        "name": component.name,
        "SPDXID": own_id,
        "versionInfo": component.version,
        "description": meta.description,
        "homepage": meta.homepage,
        **_unknown(),
        "licenseDeclared": _expression(meta.licenses),
        "checksums": [_checksum(component.nar_digest)] if component.nar_digest else [],
        "externalRefs": references,
        "comment": "; ".join([f"store path {component.path}", *(f"layer {layer}" for layer in component.layers)]),
    }
    return {key: value for key, value in fields.items() if value not in ("", [])}


def _unknown() -> dict[str, Any]:
    return {
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
    }


def _id(name: str) -> str:
    return f"SPDXRef-{re.sub('[^A-Za-z0-9.-]', '-', name)}"


def _license_id(name: str) -> str:
    return f"LicenseRef-{re.sub('[^A-Za-z0-9.-]+', '-', name)}"


def _expression(licenses: Sequence[License]) -> str:
    return " AND ".join(license.spdx_id or _license_id(license.name) for license in licenses) or UNKNOWN


def _checksum(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {"algorithm": algorithm.upper(), "checksumValue": value}


def _reference(category: str, type_: str, locator: str) -> dict[str, str]:
    return {"referenceCategory": category, "referenceType": type_, "referenceLocator": locator}


def _relationship(one: str, type_: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": type_, "relatedSpdxElement": other}

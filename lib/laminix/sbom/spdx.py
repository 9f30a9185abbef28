"""A bill as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from laminix.sbom.bill import TOOL, Bill, Component
from laminix.sbom.cyclonedx import oci_purl
from laminix.sbom.meta import License

UNKNOWN = "NOASSERTION"
DOCUMENT, SUBJECT = "SPDXRef-DOCUMENT", "SPDXRef-subject"


def to_spdx(bill: Bill) -> dict[str, Any]:
    """BILL as an SPDX document, for ``dumped_parts``: a package for each store path, references as relationships."""
    ids = {item.path: local_id(item.base_name) for item in (*bill.components, *bill.build_components)}
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{quote(bill.name, safe='')}-{bill.identity()}",
        "creationInfo": {"created": bill.created, "creators": [f"Tool: {TOOL.replace(' ', '-')}"]},
        "packages": _packages(bill, ids),
        "relationships": _relationships(bill, ids),
    }
    named = {
        license.name
        for component in (*bill.components, *bill.build_components)
        for license in component.meta.licenses
        if not license.spdx_id
    }
    if named:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": license_id(name), "extractedText": name, "name": name} for name in sorted(named)
        ]
    return document


def _packages(bill: Bill, ids: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    yield _subject(bill)
    for component in (*bill.components, *bill.build_components):
        yield _package(component, ids[component.path])


def _relationships(bill: Bill, ids: Mapping[str, str]) -> Iterator[dict[str, str]]:
    yield _relationship(DOCUMENT, "DESCRIBES", SUBJECT)
    if bill.is_image:
        for component in bill.components:
            yield _relationship(SUBJECT, "CONTAINS", ids[component.path])
    for path in bill.roots:
        yield _relationship(SUBJECT, "DEPENDS_ON", ids[path])
    for component in bill.components:
        for path in component.references:
            yield _relationship(ids[component.path], "DEPENDS_ON", ids[path])
    for step in bill.build_steps:
        for output in [ids[path] for path in step.outputs] or [SUBJECT]:
            for path in step.inputs:
                yield _relationship(ids[path], "BUILD_DEPENDENCY_OF", output)


def _subject(bill: Bill) -> dict[str, Any]:
    subject = {
        "name": bill.name,
        "SPDXID": SUBJECT,
        **({"versionInfo": bill.version} if bill.version else {}),
        "primaryPackagePurpose": "CONTAINER" if bill.is_image else "APPLICATION",
        **_unknown(),
    }
    if bill.outside:
        subject["comment"] = bill.outside_comment()
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
        "licenseDeclared": expression(meta.licenses),
        "checksums": [_checksum(component.digest)] if component.digest else [],
        "externalRefs": references,
        "comment": component.places(),
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


def local_id(name: str) -> str:
    """The identifier of the component with this base name."""
    return f"SPDXRef-{re.sub('[^A-Za-z0-9.-]', '-', name)}"


def license_id(name: str) -> str:
    """The identifier of a licence called NAME that SPDX does not list."""
    return f"LicenseRef-{re.sub('[^A-Za-z0-9.-]+', '-', name)}"


def expression(licenses: Sequence[License]) -> str:
    """The licence expression that all of LICENSES apply; NOASSERTION for none."""
    return " AND ".join(license.spdx_id or license_id(license.name) for license in licenses) or UNKNOWN


def _checksum(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {"algorithm": algorithm.upper(), "checksumValue": value}


def _reference(category: str, type_: str, locator: str) -> dict[str, str]:
    return {"referenceCategory": category, "referenceType": type_, "referenceLocator": locator}


def _relationship(one: str, type_: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": type_, "relatedSpdxElement": other}

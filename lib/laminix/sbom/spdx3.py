"""A bill as SPDX 3.0.1 in JSON-LD (https://spdx.github.io/spdx-spec/v3.0.1/)."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from laminix.sbom.bill import TOOL, Bill, Component
from laminix.sbom.cyclonedx import oci_purl
from laminix.sbom.spdx import expression, license_id, local_id

VERSION = "3.0.1"
CREATION = "_:creation"


def to_spdx3(bill: Bill) -> dict[str, Any]:
    """BILL as an SPDX document, for ``dumped_parts``: a package for each store path, references as relationships."""
    return {
        "@context": f"https://spdx.org/rdf/{VERSION}/spdx-context.jsonld",
        "@graph": _Graph(bill).elements(),
    }


class _Graph:
    """The elements of the document, which name each other by IRIs in a namespace of their own."""

    def __init__(self, bill: Bill):
        self._bill = bill
        self._namespace = f"https://spdx.org/spdxdocs/{quote(bill.name, safe='')}-{bill.identity()}#"
        self._components = (*bill.components, *bill.build_components)
        self._packages = {item.path: self._iri(local_id(item.base_name)) for item in self._components}
        lists = sorted({item.meta.licenses for item in self._components if item.meta.licenses}, key=expression)
        self._licenses = {licenses: self._iri(f"license-{number}") for number, licenses in enumerate(lists, 1)}
        self._relationships = 0

    def elements(self) -> Iterator[dict[str, Any]]:
        """Yield all elements of the document."""
        bill, subject = self._bill, self._iri("subject")
        yield {
            "type": "CreationInfo",
            "@id": CREATION,
            "specVersion": VERSION,
            "created": bill.created,
            "createdBy": [self._iri("tool")],
        }
        yield self._element("SoftwareAgent", self._iri("tool"), name=TOOL)
        profiles = {"profileConformance": ["core", "software", "simpleLicensing"]}
        yield self._element(
            "SpdxDocument", self._iri("document"), name=bill.name, rootElement=[self._iri("sbom")], **profiles
        )
        yield self._element("software_Sbom", self._iri("sbom"), rootElement=[subject])
        yield self._subject()
        if bill.is_image:
            contained = (self._packages[component.path] for component in bill.components)
            yield from self._relationship(subject, "contains", contained)
        yield from self._relationship(subject, "dependsOn", map(self._packages.get, bill.roots))
        yield from self._licensing()
        for component in self._components:
            yield self._package(component)
            yield from self._related(component)
        for step in bill.build_steps:
            for output in map(self._packages.get, step.outputs) if step.outputs else [subject]:
                yield from self._relationship(output, "dependsOn", map(self._packages.get, step.inputs), "build")

    def _subject(self) -> dict[str, Any]:
        bill = self._bill
        fields = {
            "name": bill.name,
            "software_packageVersion": bill.version,
            "software_primaryPurpose": "container" if bill.is_image else "application",
            "software_packageUrl": oci_purl(bill) if bill.digest else "",
            "verifiedUsing": [_hash(bill.digest)] if bill.digest else [],
            "comment": bill.outside_comment(),
        }
        return self._element("software_Package", self._iri("subject"), **fields)

    def _package(self, component: Component) -> dict[str, Any]:
        meta = component.meta
        fields = {
            "name": component.name,
            "software_packageVersion": component.version,
            "description": meta.description,
            "software_homePage": meta.homepage,
            "software_packageUrl": component.purl,
            "verifiedUsing": [_hash(component.digest)] if component.digest else [],
            "externalIdentifier": [_cpe(meta.cpe)] if meta.cpe else [],
            "comment": component.places(),
        }
        return self._element("software_Package", self._packages[component.path], **fields)

    def _related(self, component: Component) -> Iterator[dict[str, Any]]:
        own, licenses = self._packages[component.path], component.meta.licenses
        yield from self._relationship(own, "dependsOn", map(self._packages.get, component.references))
        yield from self._relationship(own, "hasDeclaredLicense", [self._licenses[licenses]] if licenses else [])

    def _licensing(self) -> Iterator[dict[str, Any]]:
        """The texts of licences that SPDX does not list, and all expressions, each once."""
        unlisted = {license.name for licenses in self._licenses for license in licenses if not license.spdx_id}
        texts = {license_id(name): name for name in sorted(unlisted)}
        for own, name in texts.items():
            yield self._element("simplelicensing_SimpleLicensingText", self._iri(own), simplelicensing_licenseText=name)
        for licenses, iri in self._licenses.items():
            used = dict.fromkeys(license_id(license.name) for license in licenses if not license.spdx_id)
            fields = {
                "simplelicensing_licenseExpression": expression(licenses),
                "simplelicensing_customIdToUri": [_entry(own, self._iri(own)) for own in used],
            }
            yield self._element("simplelicensing_LicenseExpression", iri, **fields)

    def _relationship(self, one: str, type_: str, others: Iterable[str], scope: str = "") -> Iterator[dict[str, Any]]:
        """The relationship of ONE to OTHERS in a SCOPE of the life cycle; none if there are no OTHERS."""
        targets = list(others)
        if targets:
            self._relationships += 1
            fields = {"from": one, "relationshipType": type_, "to": targets, "scope": scope}
            kind = "LifecycleScopedRelationship" if scope else "Relationship"
            yield self._element(kind, self._iri(f"relationship-{self._relationships}"), **fields)

    def _element(self, type_: str, iri: str, **fields: Any) -> dict[str, Any]:
        head = {"type": type_, "spdxId": iri, "creationInfo": CREATION}
        return head | {key: value for key, value in fields.items() if value}

    def _iri(self, name: str) -> str:
        return self._namespace + name


def _hash(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {"type": "Hash", "algorithm": algorithm, "hashValue": value}


def _cpe(cpe: str) -> dict[str, str]:
    return {"type": "ExternalIdentifier", "externalIdentifierType": "cpe23", "identifier": cpe}


def _entry(key: str, value: str) -> dict[str, str]:
    return {"type": "DictionaryEntry", "key": key, "value": value}

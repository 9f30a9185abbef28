"""Attestations of the images in an index, stored as BuildKit stores them (its docs/attestations/attestation-storage.md).

An attestation is an in-toto statement: a predicate, such as a bill of materials, about an image's manifest. All
statements about one image are the layers of one manifest. Engines pass over it, because its platform is unknown.
"""

import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from laminix import media_types, strict_json
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.forms.blobs import UNKNOWN_OS
from laminix.forms.whole_layout import WholeLayout, stored_blob
from laminix.images.platform import Platform, parse_platform
from laminix.images.reference import Reference
from laminix.regular_file import read_regular_file
from laminix.strict_json import Value

STATEMENT_TYPE = "https://in-toto.io/Statement/v0.1"
IN_TOTO = "application/vnd.in-toto+json"
PREDICATE_TYPE = "in-toto.io/predicate-type"
UNKNOWN_PLATFORM = {"architecture": "unknown", "os": UNKNOWN_OS}


class Attestation(NamedTuple):
    """What is said about the image for one platform."""

    platform: Platform
    predicate_type: str  # a URI
    predicate: Any  # a JSON value


def read_attestations(document: Value) -> tuple[Attestation, ...]:
    """The attestations that DOCUMENT lists, with the predicates read from their files.

    Raises LaminixError for a wrong key or type, and for a file that is not JSON.
    """
    return tuple(map(_read_attestation, document))


def _read_attestation(value: Value) -> Attestation:
    value.only({"platform", "predicateType", "predicate"})
    path = value["predicate"].text()
    predicate = strict_json.loads(read_regular_file(path), "bad predicate", path)
    return Attestation(parse_platform(value["platform"].text()), value["predicateType"].text(), predicate.raw)


def attestation_layout(
    image: Descriptor, references: Sequence[Reference], attestations: Sequence[Attestation]
) -> WholeLayout:
    """The layout of ATTESTATIONS about the image that IMAGE points to in an index called REFERENCES, in one entry."""
    statements = [(each.predicate_type, _statement(image, references, each)) for each in attestations]
    layers = [_descriptor(predicate_type, data) for predicate_type, data in statements]
    config = strict_json.dumps(
        {
            **UNKNOWN_PLATFORM,
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }
    )
    manifest = strict_json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": Descriptor(media_types.OCI_CONFIG, sha256(config), len(config)).to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
    )
    about = {"vnd.docker.reference.digest": image.digest, "vnd.docker.reference.type": "attestation-manifest"}
    others: Mapping[str, Any] = {"annotations": about, "platform": UNKNOWN_PLATFORM}
    entry = Descriptor(media_types.OCI_MANIFEST, sha256(manifest), len(manifest), others)
    blobs = {
        layer.digest: stored_blob(layer, "an attestation", partial(io.BytesIO, data), None)
        for layer, (_, data) in zip(layers, statements)
    }
    return WholeLayout((entry,), {entry.digest: manifest, sha256(config): config}, blobs)


def _statement(image: Descriptor, references: Sequence[Reference], attestation: Attestation) -> bytes:
    algorithm, _, hex_digest = image.digest.partition(":")
    platform = quote(str(attestation.platform), safe="")
    names = [f"pkg:docker/{reference.name}@{reference.tag}?platform={platform}" for reference in references]
    return strict_json.dumps(
        {
            "_type": STATEMENT_TYPE,
            "predicateType": attestation.predicate_type,
            "subject": [{"name": name, "digest": {algorithm: hex_digest}} for name in names],
            "predicate": attestation.predicate,
        }
    )


def _descriptor(predicate_type: str, data: bytes) -> Descriptor:
    return Descriptor(IN_TOTO, sha256(data), len(data), {"annotations": {PREDICATE_TYPE: predicate_type}})

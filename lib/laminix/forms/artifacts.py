"""OCI artifacts: files with a manifest that may refer to an image (image-spec 1.1 manifest.md, "subject")."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from laminix import media_types, strict_json
from laminix.descriptor import Descriptor
from laminix.digest import sha256
from laminix.errors import UsageError
from laminix.forms.whole_layout import WholeLayout, stored_blob
from laminix.images.image import StoredLayer
from laminix.images.oci import sort_keys
from laminix.regular_file import open_regular_file
from laminix.store.store_path import full_name

TITLE = "org.opencontainers.image.title"
EMPTY = b"{}"
# The specification gives this config to artifacts that need none, with its content in the descriptor.
EMPTY_CONFIG = Descriptor(media_types.OCI_EMPTY, sha256(EMPTY), len(EMPTY), {"data": "e30="})


class ArtifactFile(NamedTuple):
    """A file of an artifact."""

    media_type: str
    path: str


def read_artifact_file(text: str) -> ArtifactFile:
    """The file that TEXT names as MEDIATYPE=PATH; raises UsageError for anything else."""
    media_type, equals, path = text.partition("=")
    if not equals or not path or not media_types.MEDIA_TYPE.fullmatch(media_type):
        raise UsageError("bad artifact file", f"found {text!r}, expected MEDIATYPE=PATH, such as text/plain=notes.txt")
    return ArtifactFile(media_type, path)


def artifact_layout(
    artifact_type: str, files: Sequence[ArtifactFile], subject: Descriptor, annotations: Mapping[str, str]
) -> WholeLayout:
    """The layout of an artifact of FILES that refers to SUBJECT, in an entry with its type."""
    blobs = [_blob(file) for file in files]
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": EMPTY_CONFIG.to_json(),
        "layers": [_descriptor(blob, file).to_json() for blob, file in zip(blobs, files)],
        "subject": Descriptor(subject.media_type, subject.digest, subject.size).to_json(),
    }
    if annotations:
        manifest["annotations"] = sort_keys(dict(annotations))
    data = strict_json.dumps(manifest)
    others: dict[str, Any] = {"artifactType": artifact_type}
    if annotations:
        others["annotations"] = manifest["annotations"]
    entry = Descriptor(media_types.OCI_MANIFEST, sha256(data), len(data), others)
    documents = {entry.digest: data, EMPTY_CONFIG.digest: EMPTY}
    return WholeLayout((entry,), documents, {blob.digest: blob for blob in blobs})


def _blob(file: ArtifactFile) -> StoredLayer:
    with open_regular_file(file.path) as content:
        digest = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
        size = os.fstat(content.fileno()).st_size
    descriptor = Descriptor(file.media_type, digest, size)
    return stored_blob(descriptor, file.path, partial(open_regular_file, file.path), file.path)


def _descriptor(blob: StoredLayer, file: ArtifactFile) -> Descriptor:
    # The hash part of a store path would make the artifact depend on how the file was built.
    title = full_name(file.path)
    return Descriptor(blob.media_type, blob.digest, blob.size, {"annotations": {TITLE: title}})

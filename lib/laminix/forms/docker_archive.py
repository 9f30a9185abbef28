"""Docker's archives since 1.10: manifest.json lists images, each with its config and its layers in order.

Since Docker 25 the archive is an OCI layout as well. Images and their names are then taken from manifest.json,
digests and media types from the layout.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from laminix import image_json, media_types
from laminix.compression.uncompress import LONGEST_MAGIC, compression_of
from laminix.digest import PATTERN, sha256
from laminix.errors import LaminixError
from laminix.forms import archive_writer, oci_layout
from laminix.forms.blobs import check_same_layer_count, check_stored_size
from laminix.forms.choice import Candidate
from laminix.forms.docker_documents import (
    MANIFEST,
    REPOSITORIES,
    Listed,
    manifest_json,
    repositories_json,
    starts_object,
)
from laminix.forms.form import Form
from laminix.forms.members import BAD_IMAGE, Members
from laminix.forms.writing import distinct_layers, oci_manifest_bytes, packed_chunks
from laminix.images.image import Image, StoredLayer
from laminix.images.layer_bytes import with_digest
from laminix.images.oci import Index, read_config
from laminix.images.reference import Reference, read_reference
from laminix.images.shapes import CONFIG, DOCKER_MANIFEST
from laminix.strict_json import Value
from laminix.tar.writer import END

# Reading.


def recognises(members: Members) -> bool:
    """Return whether MEMBERS have this form: manifest.json is a list (in ``dir:`` it is an object)."""
    return members.has(MANIFEST) and not starts_object(members.read(MANIFEST))


def candidates(members: Members) -> list[Candidate]:
    """Return the images that manifest.json lists. Raises LaminixError if the list is empty."""
    document = _document(members)
    entries = [_candidate(members, entry) for entry in document]
    if not entries:
        raise document.error("found an empty list, expected an image")
    return entries


def _document(members: Members) -> Value:
    return image_json.loads(members.read(MANIFEST), DOCKER_MANIFEST, "bad manifest", members.location(MANIFEST))


def _candidate(members: Members, entry: Value) -> Candidate:
    config_name = entry["Config"].text()
    layers = entry.get("Layers")
    layer_names = layers.texts() if layers else []
    tags = entry.get("RepoTags")
    references = tuple(read_reference(tag) for tag in tags.texts()) if tags else ()
    read = partial(_read, members, config_name, layer_names, references)
    return Candidate(references, lambda: read().config.platform, read)


def _read(
    members: Members,
    config_name: str,
    layer_names: list[str],
    references: tuple[Reference, ...],
) -> Image:
    config_bytes = (members.blobs() if _digest_in(config_name) else members).read(config_name)
    location = members.location(config_name)
    _check_blob_name(config_name, config_bytes, location)
    config = read_config(image_json.loads(config_bytes, CONFIG, "bad config", location))
    check_same_layer_count(len(layer_names), config, members.place)
    blobs = members.blobs()  # the diff IDs vouch for the layers
    layers = tuple(_layer(blobs, name, diff_id) for name, diff_id in zip(layer_names, config.diff_ids))
    return _with_layout(members, Image(references, config_bytes, config, layers))


def _check_blob_name(name: str, data: bytes, location: str) -> None:
    named = _digest_in(name)
    if named and named != sha256(data):
        raise LaminixError("bad config", f"its digest is {sha256(data)}, its name says {named}", location)


def _digest_in(name: str) -> str | None:
    """Return the digest in NAME if it names a blob of a layout (blobs/sha256/HEX); otherwise None."""
    digest = name.removeprefix("blobs/").replace("/", ":")
    return digest if PATTERN.fullmatch(digest) else None


def _layer(members: Members, name: str, diff_id: str) -> StoredLayer:
    compression = _compression(members, name)
    if compression not in media_types.LAYER_TYPES:
        known = ", ".join(media_types.LAYER_TYPES)
        raise LaminixError("bad layer", f"found {compression}, expected {known}", members.location(name))
    return StoredLayer(
        diff_id=diff_id,
        media_type=media_types.LAYER_TYPES[compression],
        size=members.size(name),
        # An uncompressed layer's digest is its diff ID.
        digest=diff_id if compression == "none" else _digest_in(name),
        location=members.location(name),
        open=partial(members.open, name),
        file=members.file(name),
    )


def _compression(members: Members, name: str) -> str:
    if not members.has(name):
        raise LaminixError(BAD_IMAGE, f"layer {name!r} of manifest.json is missing", members.place)
    with members.open(name) as file:
        return compression_of(file.read(LONGEST_MAGIC))


def _with_layout(members: Members, image: Image) -> Image:
    """Return IMAGE with digests and media types from the archive's OCI layout, if that contains the image."""
    if not oci_layout.recognises(members):
        return image
    listed = oci_layout.image_with_config(members, sha256(image.config_bytes))
    if listed is None:
        return image
    layers = tuple(_with_descriptor(layer, other) for layer, other in zip(image.layers, listed.layers, strict=True))
    return replace(listed, references=image.references, layers=layers)


def _with_descriptor(layer: StoredLayer, listed: StoredLayer) -> StoredLayer:
    """Return LAYER with digest and media type of LISTED, the same layer in the OCI layout."""
    check_stored_size(replace(layer, size=listed.size), layer.size)
    return replace(layer, digest=listed.digest, media_type=listed.media_type)


# Writing.


def archive(image: Image, references: Sequence[Reference]) -> Iterator[bytes]:
    """Yield an archive of IMAGE, named by REFERENCES: an OCI layout with Docker's documents. Documents come first.

    Raises LaminixError after a layer's last chunk if its digest is wrong.
    """
    return archive_of_all([(image, references)])


def archive_of_all(images: Iterable[tuple[Image, Sequence[Reference]]]) -> Iterator[bytes]:
    """Yield one archive of several IMAGES, each with its references; otherwise like ``archive``."""
    packed = [_packed(image, references) for image, references in images]
    listed = [item.listed for item in packed]
    yield archive_writer.document(oci_layout.LAYOUT, oci_layout.LAYOUT_CONTENT)
    yield archive_writer.document(oci_layout.INDEX, _index(packed))
    yield archive_writer.document(MANIFEST, manifest_json(listed))
    yield archive_writer.document(REPOSITORIES, repositories_json(listed))
    yield archive_writer.directory("blobs") + archive_writer.directory("blobs/sha256")
    for data in dict.fromkeys(data for item in packed for data in (item.manifest, item.config)):
        yield archive_writer.document(oci_layout.blob_name(sha256(data)), data)
    for layer in distinct_layers([layer for item in packed for layer in item.layers]):
        yield from archive_writer.file(oci_layout.blob_name(layer.digest), layer.size, packed_chunks(layer))
    yield END


class _Packed(NamedTuple):
    """An image as the archive has it."""

    config: bytes
    manifest: bytes
    layers: list[StoredLayer]
    listed: Listed


def _packed(image: Image, references: Sequence[Reference]) -> _Packed:
    layers = [with_digest(layer) for layer in image.layers]
    config, manifest = image.config_bytes, oci_manifest_bytes(image, layers)
    top = layers[-1].digest if layers else sha256(config)
    listed = Listed(
        config=oci_layout.blob_name(sha256(config)),
        layers=[oci_layout.blob_name(layer.digest) for layer in layers],
        top=top.partition(":")[2],
        references=references,
    )
    return _Packed(config, manifest, layers, listed)


def _index(images: Sequence[_Packed]) -> bytes:
    """The layout's index, with two entries at least.

    podman takes an archive for a layout if its index has one entry only. It then ignores manifest.json: the image
    loses its Healthcheck, `app` is called docker.io/library/app and not localhost/app, and of several archives
    that others have merged only one is loaded. containerd takes both entries for the same image.
    """
    indexes = (oci_layout.layout_index(image.manifest, image.listed.references) for image in images)
    entries = tuple(entry for index in indexes for entry in index.manifests)
    return Index(entries * 2 if len(entries) == 1 else entries).to_bytes()


FORM = Form("docker-archive", recognises=recognises, candidates=candidates, archive=archive)

"""Images described by a manifest or an index, with blobs named by digest: shared by OCI layouts and ``dir:``."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from laminix import image_json, strict_json
from laminix.descriptor import Descriptor
from laminix.digest import digest_of, new_hash
from laminix.errors import LaminixError
from laminix.forms.choice import Candidate
from laminix.forms.members import BAD_IMAGE, Members
from laminix.image_json import Shape
from laminix.images import shapes
from laminix.images.image import Image, StoredLayer
from laminix.images.making import stored_layer
from laminix.images.oci import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    NAME_ANNOTATION,
    TAG_ANNOTATION,
    Config,
    Index,
    Manifest,
    read_config,
    read_index,
    read_manifest,
)
from laminix.images.platform import Platform, read_platform
from laminix.images.reference import Reference, split_tag
from laminix.layers.layer_directory import read_layer

UNKNOWN_OS = "unknown"  # buildx gives this platform to attestations that it adds to an index

MAX_INDEX_DEPTH = 8  # levels of indexes below the top one; real images have one or two
MAX_NAMES = 1_000_000  # of all images together; the name of an index counts for each of its images


@dataclass(frozen=True)
class Blobs:
    """The blobs of an image, found by digest."""

    members: Members  # from blobs(), because every read is checked against a digest
    name_of: Callable[[str], str]  # member name of the blob with a digest
    name_of_manifest: Callable[[str], str]  # the same for manifests and indexes

    def location(self, descriptor: Descriptor) -> str:
        """Return the location of the manifest or index that DESCRIPTOR points to, for messages."""
        return self.members.location(self.name_of_manifest(descriptor.digest))

    def document(self, descriptor: Descriptor, what: str) -> tuple[bytes, strict_json.Value]:
        """Return the manifest that DESCRIPTOR points to. Raises LaminixError for a wrong size or digest."""
        return self._checked(self.name_of_manifest(descriptor.digest), descriptor, what, shapes.MANIFEST)

    def config(self, descriptor: Descriptor) -> tuple[bytes, Config]:
        """Return the config that DESCRIPTOR points to. Raises LaminixError for a wrong size or digest."""
        data, value = self._checked(self.name_of(descriptor.digest), descriptor, "bad config", shapes.CONFIG)
        return data, read_config(value)

    def layer(self, descriptor: Descriptor, diff_id: str) -> StoredLayer:
        """Return the layer whose blob, or else whose recipe, belongs to DESCRIPTOR.

        Raises LaminixError if both are missing, and for a wrong size.
        """
        return _layer(self, descriptor, diff_id)

    def _checked(self, name: str, descriptor: Descriptor, what: str, shape: Shape) -> tuple[bytes, strict_json.Value]:
        data, location = self.members.read(name), self.members.location(name)
        check_document(data, descriptor, what, location)
        return data, image_json.loads(data, shape, what, location)


def check_document(data: bytes, descriptor: Descriptor, what: str, location: str) -> None:
    """Raises LaminixError unless DATA has the size and digest of DESCRIPTOR."""
    _check_size(len(data), descriptor, what, location)
    state = new_hash(descriptor.digest)
    state.update(data)
    if digest_of(state) != descriptor.digest:
        raise LaminixError(what, f"its digest is {digest_of(state)}, expected {descriptor.digest}", location)


def _check_size(size: int, descriptor: Descriptor, what: str, location: str) -> None:
    if size != descriptor.size:
        raise LaminixError(what, f"it has {size} bytes, its descriptor says {descriptor.size}", location)


# Choosing.


def index_candidates(blobs: Blobs, index: Index, names: tuple[Reference, ...] = ()) -> list[Candidate]:
    """Return each image in INDEX and its nested indexes once, with all of its names. NAMES are those of INDEX."""
    leaves = _IndexTree(blobs).leaves(index, names)
    images = [leaf for leaf in leaves if is_image(leaf.descriptor)]
    if not images:
        others = [leaf.descriptor.others.get("artifactType") or leaf.descriptor.media_type for leaf in leaves]
        why = f"found an artifact ({others[0]}), expected an image" if others else "the index is empty"
        raise LaminixError(BAD_IMAGE, why, blobs.members.place)
    return [_candidate(blobs, leaf.descriptor, leaf.references) for leaf in images]


class _Leaf(NamedTuple):
    """A descriptor in an index that points to an image or artifact, not to a nested index."""

    descriptor: Descriptor
    references: tuple[Reference, ...]  # its own names, or else those of the indexes that contain it


class _NestedIndex(NamedTuple):
    """An index that another index points to."""

    index: Index
    size: int  # of its document, in bytes
    depth: int  # levels of indexes below it


_Key = tuple[str, bool]  # a digest, and whether the descriptor describes an image


class _IndexTree:
    """An index and its nested indexes. Each is read once, even if many descriptors point to it."""

    def __init__(self, blobs: Blobs):
        self._blobs = blobs
        self._nested: dict[str, _NestedIndex] = {}  # by digest; an index comes after those below it
        self._leaves: dict[_Key, Descriptor] = {}  # in the order of the first descriptor that points to each
        self._names: dict[_Key, dict[Reference, None]] = {}
        self._names_left = MAX_NAMES

    def leaves(self, index: Index, names: tuple[Reference, ...] = ()) -> list[_Leaf]:
        """Return the leaves of INDEX, which has NAMES, and of all indexes below it, each once."""
        self._read_below(index, ())
        self._add_names(index, dict.fromkeys(names))
        # Top down, so that an index has all of its names before it passes them on.
        for digest in reversed(self._nested):
            self._add_names(self._nested[digest].index, self._names[digest, False])
        return [_Leaf(descriptor, tuple(self._names[key])) for key, descriptor in self._leaves.items()]

    def _read_below(self, index: Index, ancestors: tuple[str, ...]) -> int:
        """Read the indexes below INDEX and return the number of their levels. ANCESTORS are digests, top first."""
        depth = 0
        for descriptor in index.manifests:
            if descriptor.media_type in INDEX_TYPES:
                depth = max(depth, 1 + self._read(descriptor, ancestors))
            else:
                self._leaves.setdefault(_key(descriptor), descriptor)
        return depth

    def _read(self, descriptor: Descriptor, ancestors: tuple[str, ...]) -> int:
        """Read an index and those below it, once, and return the number of levels below it."""
        digest, location = descriptor.digest, self._blobs.location(descriptor)
        if digest in ancestors:
            raise LaminixError("bad index", f"index contains itself: {digest}", self._blobs.members.place)
        if digest not in self._nested and len(ancestors) < MAX_INDEX_DEPTH:
            data = self._blobs.members.read(self._blobs.name_of_manifest(digest))
            index = read_index(image_json.loads(data, shapes.INDEX, "bad index", location))
            depth = self._read_below(index, (*ancestors, digest))
            # Checked last: an index that contains itself has a wrong digest too, but the loop explains more.
            check_document(data, descriptor, "bad index", location)
            self._nested[digest] = _NestedIndex(index, len(data), depth)
        known = self._nested.get(digest)
        if known is None or len(ancestors) + 1 + known.depth > MAX_INDEX_DEPTH:
            why = f"indexes are nested too deeply (limit {MAX_INDEX_DEPTH} levels)"
            raise LaminixError("bad index", why, self._blobs.members.place)
        _check_size(known.size, descriptor, "bad index", location)
        return known.depth

    def _add_names(self, index: Index, inherited: dict[Reference, None]) -> None:
        """Record the names of the descriptors in INDEX. A descriptor without a name gets the INHERITED ones."""
        for descriptor in index.manifests:
            names = references_of(descriptor) or inherited
            self._names_left -= len(names)
            if self._names_left < 0:
                why = f"too many names of images in total (limit {MAX_NAMES})"
                raise LaminixError("bad index", why, self._blobs.members.place)
            self._names.setdefault(_key(descriptor), {}).update(dict.fromkeys(names))


def _key(descriptor: Descriptor) -> _Key:
    return descriptor.digest, is_image(descriptor)


def references_of(descriptor: Descriptor) -> tuple[Reference, ...]:
    """Return the reference in the annotations of a descriptor in an index, or none."""
    annotations = descriptor.others.get("annotations") or {}
    tag, name = annotations.get(TAG_ANNOTATION), annotations.get(NAME_ANNOTATION)
    name, name_tag = split_tag(name) if name else (None, None)
    if name and (tag or name_tag):
        return (Reference(name, name_tag or tag),)
    if not tag:
        return ()
    # podman writes the full reference where others write the tag.
    name, tag_of_name = split_tag(tag)
    return (Reference(name, tag_of_name),) if tag_of_name else (Reference("", tag),)


def is_image(descriptor: Descriptor) -> bool:
    """Return whether an index's entry points to an image, not to an artifact or an attestation."""
    platform = descriptor.others.get("platform") or {}
    return (
        descriptor.media_type in MANIFEST_TYPES
        and not descriptor.others.get("artifactType")
        and platform.get("os") != UNKNOWN_OS
    )


def _candidate(blobs: Blobs, descriptor: Descriptor, references: tuple[Reference, ...]) -> Candidate:
    return Candidate(
        references, partial(_platform, blobs, descriptor), partial(read_image, blobs, descriptor, references)
    )


def _platform(blobs: Blobs, descriptor: Descriptor) -> Platform:
    stated = descriptor.others.get("platform")
    if stated:
        return read_platform(strict_json.Value(stated, "bad index", blobs.members.place, "platform"))
    _, value = blobs.document(descriptor, "bad manifest")
    return blobs.config(read_manifest(value).config)[1].platform


def find_by_config(blobs: Blobs, index: Index, config_digest: str) -> Image | None:
    """Return the image in INDEX or its nested indexes whose config has the digest CONFIG_DIGEST; None if absent.

    Skips descriptors without a manifest: ``docker save`` lists platforms that it does not save.
    """
    for descriptor, references in _IndexTree(blobs).leaves(index):
        if is_image(descriptor) and blobs.members.has(blobs.name_of_manifest(descriptor.digest)):
            _, value = blobs.document(descriptor, "bad manifest")
            if read_manifest(value).config.digest == config_digest:
                return read_image(blobs, descriptor, references)
    return None


# Reading.


def read_image(blobs: Blobs, descriptor: Descriptor, references: tuple[Reference, ...]) -> Image:
    """Return the image whose manifest DESCRIPTOR points to."""
    data, value = blobs.document(descriptor, "bad manifest")
    return image_of_manifest(blobs, data, read_manifest(value), references)


def image_of_manifest(
    blobs: Blobs, manifest_bytes: bytes, manifest: Manifest, references: tuple[Reference, ...]
) -> Image:
    """Return the image that MANIFEST describes. Raises LaminixError if a blob is missing or has a wrong size."""
    config_bytes, config = blobs.config(manifest.config)
    place = blobs.members.place
    check_same_layer_count(len(manifest.layers), config, place)
    layers = tuple(blobs.layer(layer, diff_id) for layer, diff_id in zip(manifest.layers, config.diff_ids))
    return Image(references, config_bytes, config, layers, manifest, manifest_bytes, manifest.annotations)


def check_same_layer_count(count: int, config: Config, place: str) -> None:
    """Raises LaminixError unless CONFIG has as many diff IDs as the manifest has layers, COUNT."""
    if count != len(config.diff_ids):
        why = f"config and manifest disagree: {len(config.diff_ids)} diff IDs, {count} layers"
        raise LaminixError(BAD_IMAGE, why, place)


def _layer(blobs: Blobs, descriptor: Descriptor, diff_id: str) -> StoredLayer:
    """Return the layer whose blob, or else whose recipe, belongs to DESCRIPTOR."""
    name, members = blobs.name_of(descriptor.digest), blobs.members
    if not members.has(name):
        return _recipe_layer(blobs, descriptor, diff_id)
    layer = StoredLayer(
        diff_id=diff_id,
        media_type=descriptor.media_type,
        size=descriptor.size,
        digest=descriptor.digest,
        location=members.location(name),
        open=partial(members.open, name),
        file=members.file(name),
    )
    check_stored_size(layer, members.size(name))
    return layer


def check_stored_size(layer: StoredLayer, found: int) -> None:
    """Raises LaminixError unless the blob's size FOUND, in bytes, is that in the layer's descriptor."""
    if found != layer.size:
        why = f"it has {found} bytes, the manifest says {layer.size}"
        raise LaminixError("bad layer", why, layer.location)


def _recipe_layer(blobs: Blobs, descriptor: Descriptor, diff_id: str) -> StoredLayer:
    """Return a layer without a blob, whose layer directory has a recipe to rebuild it."""
    document = f"{recipe_name(descriptor.digest)}/layer.json"
    path = blobs.members.file(document)
    if path is None:
        why = f"layer {descriptor.digest} of the manifest is missing"
        raise LaminixError(BAD_IMAGE, why, blobs.members.place)
    directory = path.removesuffix("/layer.json")
    described = read_layer(directory)
    if described.blob is not None:
        raise LaminixError("bad layer", "found a layer with a blob, expected one with only a recipe", path)
    layer = stored_layer(directory, described)
    if (layer.digest, layer.diff_id) != (descriptor.digest, diff_id):
        raise LaminixError("bad layer", f"its digest is {layer.digest}, expected {descriptor.digest}", directory)
    return layer


def recipe_name(digest: str) -> str:
    """Return the name of the member, in an image directory, that links to the layer directory for DIGEST."""
    return f"layers/{digest.replace(':', '/')}"

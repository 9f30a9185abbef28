"""Images by manifest and index, whose blobs are named by digest: what OCI layouts and ``dir:`` share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from laminix import strict_json
from laminix.descriptor import Descriptor
from laminix.digest import new_hash, digest_of
from laminix.errors import LaminixError
from laminix.forms.choice import Candidate
from laminix.images.image import Image, StoredLayer
from laminix.images.making import stored_layer
from laminix.layers.layer_directory import read_layer
from laminix.forms.members import BAD_IMAGE, Members
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

# What buildx puts into an index beside its images: statements about them, for no platform.
UNKNOWN = "unknown"

DEEPEST = 8  # levels of indexes below an image's own; real images have one or two
MOST_NAMES = 1_000_000  # of all images together: each name of an index is one of each image in it


@dataclass(frozen=True)
class Blobs:
    """Members of which some are blobs, and how those are named."""

    members: Members  # as their blobs() gives them: each is checked against a digest
    name_of: Callable[[str], str]  # the member that is the blob of a digest
    name_of_manifest: Callable[[str], str]

    def location(self, descriptor: Descriptor) -> str:
        """Where the manifest or index that DESCRIPTOR points to is, for people."""
        return self.members.location(self.name_of_manifest(descriptor.digest))

    def document(self, descriptor: Descriptor, what: str) -> tuple[bytes, strict_json.Value]:
        """The manifest or index that DESCRIPTOR points to, its size and digest checked."""
        return self._checked(self.name_of_manifest(descriptor.digest), descriptor, what)

    def config(self, descriptor: Descriptor) -> tuple[bytes, Config]:
        """The config that DESCRIPTOR points to, its size and digest checked."""
        data, value = self._checked(self.name_of(descriptor.digest), descriptor, "bad config")
        return data, read_config(value)

    def _checked(self, name: str, descriptor: Descriptor, what: str) -> tuple[bytes, strict_json.Value]:
        data, location = self.members.read(name), self.members.location(name)
        check_document(data, descriptor, what, location)
        return data, strict_json.loads(data, what, location)


def check_document(data: bytes, descriptor: Descriptor, what: str, location: str) -> None:
    """Raises LaminixError where DATA has another size or digest than DESCRIPTOR says."""
    _check_size(len(data), descriptor, what, location)
    state = new_hash(descriptor.digest)
    state.update(data)
    if digest_of(state) != descriptor.digest:
        raise LaminixError(what, f"its digest is {digest_of(state)}, expected {descriptor.digest}", location)


def _check_size(size: int, descriptor: Descriptor, what: str, location: str) -> None:
    if size != descriptor.size:
        raise LaminixError(what, f"it has {size} bytes, its descriptor says {descriptor.size}", location)


# Choosing.


def index_candidates(blobs: Blobs, index: Index) -> list[Candidate]:
    """The images of INDEX and of the indexes in it; one with several names is there once."""
    leaves = _Nest(blobs).leaves(index)
    images = [leaf for leaf in leaves if _is_image(leaf.descriptor)]
    if not images:
        others = [leaf.descriptor.others.get("artifactType") or leaf.descriptor.media_type for leaf in leaves]
        why = f"an artifact ({others[0]}), no image" if others else "its index is empty: there is no image"
        raise LaminixError(BAD_IMAGE, why, blobs.members.place)
    return [_candidate(blobs, leaf.descriptor, leaf.references) for leaf in images]


class _Leaf(NamedTuple):
    """What an index points to and is no index."""

    descriptor: Descriptor
    references: tuple[Reference, ...]  # its names; where an entry has none, those of the entries above


class _Nested(NamedTuple):
    """An index that another one points to."""

    index: Index
    size: int  # of its document, in bytes
    depth: int  # levels of indexes below it


_Key = tuple[str, bool]  # a digest, and whether its descriptor is that of an image


class _Nest:
    """The indexes below an image's own.  Each is read once, however many entries lead to it."""

    def __init__(self, blobs: Blobs):
        self._blobs = blobs
        self._nested: dict[str, _Nested] = {}  # by digest, each behind all that are below it
        self._leaves: dict[_Key, Descriptor] = {}  # in the order in which they are met
        self._names: dict[_Key, dict[Reference, None]] = {}
        self._names_left = MOST_NAMES

    def leaves(self, index: Index) -> list[_Leaf]:
        """What INDEX and the indexes below it point to and is no index, each once."""
        self._read_below(index, ())
        self._add_names(index, {})
        # An index has all of its names before it hands them on: those that point to it come first.
        for digest in reversed(self._nested):
            self._add_names(self._nested[digest].index, self._names[digest, False])
        return [_Leaf(descriptor, tuple(self._names[key])) for key, descriptor in self._leaves.items()]

    def _read_below(self, index: Index, trail: tuple[str, ...]) -> int:
        """Read the indexes below INDEX; return how many levels they have."""
        depth = 0
        for descriptor in index.manifests:
            if descriptor.media_type in INDEX_TYPES:
                depth = max(depth, 1 + self._read(descriptor, trail))
            else:
                self._leaves.setdefault(_key(descriptor), descriptor)
        return depth

    def _read(self, descriptor: Descriptor, trail: tuple[str, ...]) -> int:
        """Read an index, with those below it, unless it is known; return how many levels are below it."""
        digest, location = descriptor.digest, self._blobs.location(descriptor)
        if digest in trail:
            raise LaminixError("bad index", f"it holds itself: {digest}", self._blobs.members.place)
        if digest not in self._nested and len(trail) < DEEPEST:
            data = self._blobs.members.read(self._blobs.name_of_manifest(digest))
            index = read_index(strict_json.loads(data, "bad index", location))
            depth = self._read_below(index, (*trail, digest))
            # Afterwards: an index that holds itself has a wrong digest as well, and is to be told the first.
            check_document(data, descriptor, "bad index", location)
            self._nested[digest] = _Nested(index, len(data), depth)
        known = self._nested.get(digest)
        if known is None or len(trail) + 1 + known.depth > DEEPEST:
            why = f"found indexes nested more than {DEEPEST} deep"
            raise LaminixError("bad index", why, self._blobs.members.place)
        _check_size(known.size, descriptor, "bad index", location)
        return known.depth

    def _add_names(self, index: Index, inherited: dict[Reference, None]) -> None:
        """Give what INDEX points to its names; an entry without one has those that INDEX has."""
        for descriptor in index.manifests:
            names = _references(descriptor) or inherited
            self._names_left -= len(names)
            if self._names_left < 0:
                why = f"its images have more than {MOST_NAMES} names in total"
                raise LaminixError("bad index", why, self._blobs.members.place)
            self._names.setdefault(_key(descriptor), {}).update(dict.fromkeys(names))


def _key(descriptor: Descriptor) -> _Key:
    return descriptor.digest, _is_image(descriptor)


def _references(descriptor: Descriptor) -> tuple[Reference, ...]:
    """The name that the annotations of an index's entry give, as one or no reference."""
    annotations = descriptor.others.get("annotations") or {}
    tag, name = annotations.get(TAG_ANNOTATION), annotations.get(NAME_ANNOTATION)
    name, name_tag = split_tag(name) if name else (None, None)
    if name and (tag or name_tag):
        return (Reference(name, name_tag or tag),)
    if not tag:
        return ()
    # podman writes the whole name where others write the tag.
    name, whole_tag = split_tag(tag)
    return (Reference(name, whole_tag),) if whole_tag else (Reference("", tag),)


def _is_image(descriptor: Descriptor) -> bool:
    platform = descriptor.others.get("platform") or {}
    return (
        descriptor.media_type in MANIFEST_TYPES
        and not descriptor.others.get("artifactType")
        and platform.get("os") != UNKNOWN
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
    """The image under INDEX whose config has that digest, None where there is none.

    ``docker save`` lists platforms that it has no manifest of: those are passed over.
    """
    for descriptor, references in _Nest(blobs).leaves(index):
        if _is_image(descriptor) and blobs.members.has(blobs.name_of_manifest(descriptor.digest)):
            _, value = blobs.document(descriptor, "bad manifest")
            if read_manifest(value).config.digest == config_digest:
                return read_image(blobs, descriptor, references)
    return None


# Reading.


def read_image(blobs: Blobs, descriptor: Descriptor, references: tuple[Reference, ...]) -> Image:
    """The image whose manifest DESCRIPTOR points to."""
    data, value = blobs.document(descriptor, "bad manifest")
    return image_of_manifest(blobs, data, read_manifest(value), references)


def image_of_manifest(
    blobs: Blobs, manifest_bytes: bytes, manifest: Manifest, references: tuple[Reference, ...]
) -> Image:
    """The image of this manifest; raises LaminixError where a layer is missing or of another size."""
    config_bytes, config = blobs.config(manifest.config)
    place = blobs.members.place
    check_layer_number(len(manifest.layers), config, place)
    layers = tuple(_layer(blobs, layer, diff_id) for layer, diff_id in zip(manifest.layers, config.diff_ids))
    return Image(references, config_bytes, config, layers, manifest, manifest_bytes, manifest.annotations)


def check_layer_number(number: int, config: Config, place: str) -> None:
    """Raises LaminixError unless the config has as many diff IDs as the manifest has layers."""
    if number != len(config.diff_ids):
        why = f"the manifest lists {number} layers, the config {len(config.diff_ids)} diff IDs"
        raise LaminixError(BAD_IMAGE, why, place)


def _layer(blobs: Blobs, descriptor: Descriptor, diff_id: str) -> StoredLayer:
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
    """Raises LaminixError where the blob that was FOUND has another size than the layer's descriptor says."""
    if found != layer.size:
        why = f"it has {found} bytes, the manifest says {layer.size}"
        raise LaminixError("bad layer", why, layer.location)


def _recipe_layer(blobs: Blobs, descriptor: Descriptor, diff_id: str) -> StoredLayer:
    """A layer without a blob, whose layer directory makes it again."""
    document = f"{recipe_name(descriptor.digest)}/layer.json"
    path = blobs.members.file(document)
    if path is None:
        why = f"the manifest names the layer {descriptor.digest}, which is missing in it"
        raise LaminixError(BAD_IMAGE, why, blobs.members.place)
    directory = path.removesuffix("/layer.json")
    described = read_layer(directory)
    if described.blob is not None:
        raise LaminixError("bad layer", "found a layer with a blob, expected a recipe alone", path)
    layer = stored_layer(directory, described)
    if (layer.digest, layer.diff_id) != (descriptor.digest, diff_id):
        raise LaminixError("bad layer", f"it is {layer.digest}, expected {descriptor.digest}", directory)
    return layer


def recipe_name(digest: str) -> str:
    """The member of an image directory that is a link to the layer directory of DIGEST's recipe."""
    return f"layers/{digest.replace(':', '/')}"

"""What changed between two images, and why: the one result that all formats of diff-image render."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from laminix.explain.config_changes import ConfigChange, config_changes
from laminix.explain.explanation import Explanation
from laminix.explain.file_changes import FileChange
from laminix.explain.package_changes import PackageChange, causes, package_changes
from laminix.images.image import Image, StoredLayer


class Cause(NamedTuple):
    """What made layers change. A layer with several causes counts for each of them."""

    change: PackageChange
    affected: tuple[str, ...]  # new store paths that changed because of it, itself included
    layers: tuple[int, ...]  # numbers in the new image
    size: int  # bytes of these layers as stored


@dataclass(frozen=True)
class Difference:
    """Two images and what differs. Without explanations, layers were not read and packages are unknown."""

    old: Image
    new: Image
    old_explanation: Explanation | None
    new_explanation: Explanation | None
    files: Sequence[FileChange] | None  # None if they were not compared

    @cached_property
    def reused(self) -> frozenset[int]:
        """The numbers of the new layers that a machine with the old image has."""
        old = {layer.diff_id: layer for layer in self.old.layers}
        return frozenset(
            number
            for number, layer in enumerate(self.new.layers)
            if layer.diff_id in old and _same_blob(old[layer.diff_id], layer)
        )

    @cached_property
    def added(self) -> list[int]:
        """The numbers of the new layers that have to be downloaded; one that is there twice is counted once."""
        first = {layer.diff_id: number for number, layer in reversed(list(enumerate(self.new.layers)))}
        return [number for number in sorted(first.values()) if number not in self.reused]

    @cached_property
    def removed(self) -> list[int]:
        """The numbers of the old layers that the new image does not have."""
        new = {layer.diff_id for layer in self.new.layers}
        return [number for number, layer in enumerate(self.old.layers) if layer.diff_id not in new]

    @cached_property
    def download(self) -> int:
        """The bytes of the layers that a machine with the old image downloads, as stored."""
        return self.size(self.added)

    @cached_property
    def config(self) -> list[ConfigChange]:
        """The config fields and annotations that differ."""
        return config_changes(self.old, self.new)

    @property
    def alike(self) -> bool:
        """Whether both images have the same layers in the same order, the same config and annotations."""
        order = [[layer.diff_id for layer in image.layers] for image in (self.old, self.new)]
        return order[0] == order[1] and not self.added and not self.config

    @cached_property
    def packages(self) -> list[PackageChange]:
        """The packages that differ, by name; empty if layers were not read."""
        if self.old_explanation is None or self.new_explanation is None:
            return []
        return package_changes(self.old_explanation.graph.sizes, self.new_explanation.graph.sizes)

    @cached_property
    def causes_of(self) -> dict[str, frozenset[str]]:
        """For each new store path that changed, the store paths that caused it."""
        return causes(self.packages, self.new_explanation.graph) if self.new_explanation else {}

    @cached_property
    def causes(self) -> list[Cause]:
        """What made layers change, most bytes first."""
        if self.new_explanation is None:
            return []
        affected: dict[str, list[str]] = {}
        for path, origins in self.causes_of.items():
            for origin in origins:
                affected.setdefault(origin, []).append(path)
        changes = {change.new: change for change in self.packages}
        found = [self._cause(changes[origin], paths) for origin, paths in affected.items()]
        return sorted(found, key=lambda cause: (-cause.size, cause.change.new))

    @cached_property
    def unexplained(self) -> tuple[list[int], list[int]]:
        """The new layers that no package explains: those with files outside the store, and all others.

        The others have only store paths that the old image has too, grouped in another way.
        """
        if self.new_explanation is None:
            return [], []
        rest = set(self.added).difference(*(cause.layers for cause in self.causes))
        outside = [number for number in sorted(rest) if self.new_explanation.contents[number].outside.files]
        return outside, sorted(rest.difference(outside))

    def _cause(self, change: PackageChange, affected: Sequence[str]) -> Cause:
        layers = {number for path in affected for number in self.new_explanation.layers_of[path]}
        added = tuple(number for number in self.added if number in layers)
        return Cause(change, tuple(sorted(affected)), added, self.size(added))

    def size(self, layers: Sequence[int]) -> int:
        """The bytes of the new LAYERS as stored."""
        return sum(self.new.layers[number].size for number in layers)


def _same_blob(old: StoredLayer, new: StoredLayer) -> bool:
    """Whether a machine with OLD need not download NEW, which has the same diff ID.

    The two may come from forms that store one layer differently; but where they are compressed alike and differ,
    a registry has two blobs.
    """
    if old.digest is None or new.digest is None or old.digest == new.digest:
        return True
    return old.media_type != new.media_type

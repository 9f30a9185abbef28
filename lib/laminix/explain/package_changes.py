"""Which packages came, went or changed between two sets of store paths, and what caused that."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from laminix.explain.graph import Graph
from laminix.store.store_path import full_name, split_version

ADDED, REMOVED, VERSION, REBUILT = "added", "removed", "version", "rebuilt"


@dataclass(frozen=True)
class PackageChange:
    """A package that differs; old or new is None if it came or went."""

    name: str
    old: str | None  # store path
    new: str | None  # store path

    @property
    def kind(self) -> str:
        """``added``, ``removed``, ``version`` (another one) or ``rebuilt`` (the same version)."""
        if self.old is None or self.new is None:
            return ADDED if self.old is None else REMOVED
        return REBUILT if self.old_version == self.new_version else VERSION

    @property
    def old_version(self) -> str:
        """The version in the old image; empty if there is none."""
        return split_version(full_name(self.old))[1] if self.old else ""

    @property
    def new_version(self) -> str:
        """The version in the new image; empty if there is none."""
        return split_version(full_name(self.new))[1] if self.new else ""


def package_changes(old: Iterable[str], new: Iterable[str]) -> list[PackageChange]:
    """The packages that differ between the store paths OLD and NEW, by name.

    Of several paths of one name, those of one version belong together, then the others in order of version.
    """
    old_paths, new_paths = set(old), set(new)
    gone, come = _by_name(old_paths - new_paths), _by_name(new_paths - old_paths)
    changes = []
    for name in sorted(gone.keys() | come.keys()):
        pairs = _pairs(gone.get(name, []), come.get(name, []))
        changes += [PackageChange(name, one, other) for one, other in pairs]
    return changes


def _by_name(paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(paths, key=lambda path: (full_name(path), path)):
        found.setdefault(split_version(full_name(path))[0], []).append(path)
    return found


def _pairs(gone: list[str], come: list[str]) -> list[tuple[str | None, str | None]]:
    pairs: list[tuple[str | None, str | None]] = []
    left, others = list(gone), []
    for path in come:
        same = next((other for other in left if full_name(other) == full_name(path)), None)
        if same is None:
            others.append(path)
        else:
            left.remove(same)
            pairs.append((same, path))
    both = min(len(left), len(others))
    pairs += zip(left[:both], others[:both])
    return pairs + [(path, None) for path in left[both:]] + [(None, path) for path in others[both:]]


def causes(changes: Iterable[PackageChange], graph: Graph) -> dict[str, frozenset[str]]:
    """For each new store path of CHANGES, the store paths among them that caused its change.

    GRAPH is the new image's. A path caused its own change if it is new, if its version is another, or if it
    refers to nothing that changed. A rebuilt path was caused by what caused the changes of its references.
    """
    kinds = {change.new: change.kind for change in changes if change.new is not None}
    found: dict[str, frozenset[str]] = {}
    for path in kinds:
        _find_causes(path, kinds, graph.references, found)
    return found


def _find_causes(
    start: str,
    kinds: Mapping[str, str],
    references: Mapping[str, Collection[str]],
    found: dict[str, frozenset[str]],
) -> None:
    stack = [start]
    open_paths: set[str] = set()
    while stack:
        path = stack[-1]
        changed = [link for link in references[path] if link in kinds]
        # In a circle of references, a path that is being looked at adds nothing.
        waiting = [link for link in changed if link not in found and link not in open_paths]
        open_paths.add(path)
        if waiting and path not in found and kinds[path] == REBUILT:
            stack += waiting
            continue
        stack.pop()
        inherited = frozenset().union(*(found.get(link, frozenset()) for link in changed))
        own = kinds[path] != REBUILT or not inherited
        found.setdefault(path, frozenset([path]) if own else inherited)

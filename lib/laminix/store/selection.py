"""Select the store paths of a closure for a layer or a plan."""

from collections.abc import Collection, Iterable, Sequence

from laminix.store.closure import StorePath


def select(
    closure: Sequence[StorePath], others: Iterable[str], omitted_roots: Collection[str], excluded: Collection[str]
) -> tuple[str, ...]:
    """Return the selected store paths, sorted: those of CLOSURE and OTHERS, without EXCLUDED.

    A path of CLOSURE that is an omitted root, or contains one, is left out unless a path of CLOSURE refers to it: a
    tree that is copied to / is not needed again under its own path.
    """
    referred = {reference for item in closure for reference in item.references}
    omitted = {item.path for item in closure if any(_is_in(root, item.path) for root in omitted_roots)}
    wanted = {item.path for item in closure if item.path not in omitted or item.path in referred}
    return tuple(sorted((wanted | set(others)) - set(excluded)))


def total_size(closure: Sequence[StorePath], paths: Iterable[str]) -> int | None:
    """Return the bytes of all PATHS as NARs; None if CLOSURE does not have the size of each."""
    sizes = {item.path: item.size for item in closure}
    found = [sizes.get(path) for path in paths]
    return None if None in found else sum(found)


def _is_in(path: str, store_path: str) -> bool:
    return path == store_path or path.startswith(f"{store_path}/")

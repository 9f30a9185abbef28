"""Which store paths of a closure go into a layer or a plan."""

from collections.abc import Collection, Iterable, Sequence

from laminix.store.closure import StorePath


def select(
    closure: Sequence[StorePath], others: Iterable[str], omitted_roots: Collection[str], excluded: Collection[str]
) -> tuple[str, ...]:
    """The store paths to pack, sorted: the closure's and OTHERS, less the EXCLUDED.

    Of the closure, OMITTED_ROOTS stay away where nothing in it refers to them: a tree that is copied to /
    need not be there a second time under its own name, unless it is looked for there.  A tree within a
    store path omits that store path.
    """
    referred = {reference for item in closure for reference in item.references}
    omitted = {item.path for item in closure if any(_is_in(root, item.path) for root in omitted_roots)}
    wanted = {item.path for item in closure if item.path not in omitted or item.path in referred}
    return tuple(sorted((wanted | set(others)) - set(excluded)))


def _is_in(path: str, store_path: str) -> bool:
    return path == store_path or path.startswith(f"{store_path}/")

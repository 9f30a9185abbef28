"""The option --from of builders that read the layers of an image."""

import argparse
import os

from laminix.images.image import Image


def add_cache_option(parser: argparse.ArgumentParser) -> None:
    """Declare --from on PARSER, which has the registry options."""
    parser.add_argument(
        "--from",
        action="append",
        default=[],
        dest="caches",
        metavar="CACHE",
        help="Rebuild layers without a blob from store paths in CACHE that this machine lacks: file://DIR, "
        "https://HOST[/PATH] or another store directory. Can be repeated; the first that has a path is used.",
    )


def with_caches(image: Image, options: argparse.Namespace) -> Image:
    """Return IMAGE, whose layers without a blob are rebuilt with the caches in OPTIONS where there are any.

    Raises an ExceptionGroup of LaminixError for store paths that are neither here nor in a cache.
    """
    if not options.caches:
        return image
    # They take 60 ms to import.
    from laminix.caches.opening import open_cache
    from laminix.caches.supply import supplied
    from laminix.registry.connection import Access, Connections

    connections = Connections(Access(os.environ, options.cacert))
    return supplied(image, [open_cache(text, connections) for text in options.caches], connections.abort)

"""Loading an image into an engine: the engine pulls the layers that it lacks from a registry on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from laminix.digest import sha256
from laminix.errors import LaminixError
from laminix.forms import docker_archive
from laminix.images.image import Image
from laminix.images.reference import Reference
from laminix.progress import watched
from laminix.transfer.catalogue import catalogue_of, image_document, repository_names
from laminix.transfer.docker_host import BAD_ENGINE
from laminix.transfer.engines import Engine
from laminix.transfer.server import ImageServer, serving


@dataclass(frozen=True)
class Loaded:
    """What an engine has now."""

    names: tuple[str, ...]  # with registry and tag
    image_id: str
    fetched: int | None  # how many blobs the engine fetched; None if it got an archive


def load(image: Image, references: Sequence[Reference], engine: Engine, as_archive: bool = False) -> Loaded:
    """Have ENGINE hold IMAGE under the names REFERENCES.

    An engine that does not reach the registry gets an archive, and so it does with AS_ARCHIVE. Raises LaminixError if
    the engine fails, and if it has another image under a name afterwards.
    """
    image = replace(image, references=tuple(references))
    names = tuple(reference.qualified() for reference in references)
    fetched = None if as_archive else _pull(image, engine, names)
    if fetched is None:
        total = sum(layer.size for layer in image.layers)
        engine.load(watched(docker_archive.archive(image, image.references), "loading", total), names)
    return Loaded(names, _checked_id(image, engine, names), fetched)


def _pull(image: Image, engine: Engine, names: Sequence[str]) -> int | None:
    """Have ENGINE pull the image, and return how many blobs it fetched; None if it did not reach the registry."""
    document, _ = image_document(image)
    requests: list[str] = []
    with ImageServer(catalogue_of([image]), log=requests.append) as server, serving(server):
        repository = next(repository_names(image.references[0].name))
        source = f"{server.host}/{repository}@{document.digest}"
        try:
            engine.pull(source)
        except LaminixError:
            if any("/v2/" in request for request in requests):
                raise
            return None
        engine.tag(source, names)
    return len({request for request in requests if " GET " in request and "/blobs/" in request})


def _checked_id(image: Image, engine: Engine, names: Sequence[str]) -> str:
    """Return the engine's ID of the image: the digest of its config or, in containerd's store, of its manifest."""
    document, _ = image_document(image)
    expected = (sha256(image.config_bytes), document.digest)
    found = {engine.image_id(name) for name in names}
    if len(found) != 1 or not found <= set(expected):
        why = f"{engine.name} has {', '.join(sorted(found))}, expected {' or '.join(expected)}"
        raise LaminixError(BAD_ENGINE, why, names[0])
    return found.pop()

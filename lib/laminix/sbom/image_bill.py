"""The bill of materials of an image."""

from collections.abc import Iterable, Mapping

from laminix.digest import sha256
from laminix.explain.explanation import Explanation
from laminix.images.image import Image
from laminix.sbom.bill import EPOCH, NO_META, Bill, Component
from laminix.sbom.meta import Meta
from laminix.store.valid_paths import ValidPath
from laminix.timestamp import read_timestamp


def bill_of_image(
    explanation: Explanation, valid: Iterable[ValidPath], meta: Mapping[str, Meta], name: str | None
) -> Bill:
    """The bill of an image, named by its first reference unless NAME is given."""
    image, graph = explanation.image, explanation.graph
    digests = {item.path: item.nar_digest for item in valid}
    components = tuple(
        Component(path, digests.get(path), _layers(explanation, path), graph.references[path], meta.get(path, NO_META))
        for path in sorted(graph.sizes)
    )
    roots_ = tuple(sorted(path for path, reason in explanation.reasons.by_path.items() if reason.root))
    reference = image.references[0] if image.references else None
    return Bill(
        name=name or (reference.name if reference else "") or "image",
        version=reference.tag if reference else "",
        digest=sha256(image.manifest_bytes) if image.manifest_bytes else None,
        created=_created(image),
        is_image=True,
        outside=sum(contents.outside.files for contents in explanation.contents),
        roots=roots_,
        components=components,
    )


def _layers(explanation: Explanation, path: str) -> tuple[str, ...]:
    layers = [explanation.image.layers[number] for number in explanation.layers_of[path]]
    return tuple(layer.digest or layer.diff_id for layer in layers)


def _created(image: Image) -> str:
    """When the image says it was created, in whole seconds."""
    time = read_timestamp(image.config.created or EPOCH, {})
    return f"{time[:19]}Z"

"""Images in a registry, ``docker://HOST[:PORT]/NAME[:TAG|@DIGEST]``. A blob is fetched when it is read."""

from functools import cache, partial
from typing import TYPE_CHECKING

from laminix import image_json
from laminix.descriptor import Descriptor
from laminix.forms.blobs import Blobs, image_of_manifest, index_candidates
from laminix.forms.choice import Candidate
from laminix.forms.form import Form
from laminix.images import shapes
from laminix.images.image import Image, StoredLayer
from laminix.images.oci import read_index, read_manifest

if TYPE_CHECKING:  # takes 40 ms to import, and most images are files
    from laminix.registry.members import RegistryMembers

PREFIX = "docker://"
TOP = "manifest"


class RegistryBlobs(Blobs):
    """Blobs whose presence and size are known only from the manifest, until they are read."""

    def layer(self, descriptor: Descriptor, diff_id: str) -> StoredLayer:
        """Return the layer whose blob belongs to DESCRIPTOR, without a request."""
        return StoredLayer(
            diff_id=diff_id,
            media_type=descriptor.media_type,
            size=descriptor.size,
            digest=descriptor.digest,
            location=self.members.location(self.name_of(descriptor.digest)),
            open=partial(self.members.open_blob, descriptor.digest, descriptor.size),
        )


def recognises(members: "RegistryMembers") -> bool:
    """Return whether MEMBERS are an image in a registry."""
    return members.place.startswith(PREFIX)


def candidates(members: "RegistryMembers") -> list[Candidate]:
    """Return the image at the address, or the images if it has an index."""
    blobs = RegistryBlobs(members, lambda digest: f"blobs/{digest}", lambda digest: f"manifests/{digest}")
    data, references = members.read(TOP), members.address.references
    index = image_json.loads(data, shapes.INDEX, "bad manifest", members.place)
    if "manifests" in index.expect(dict):
        return index_candidates(blobs, read_index(index), references)
    document = image_json.loads(data, shapes.MANIFEST, "bad manifest", members.place)

    @cache  # the platform is in the config, which must not be fetched twice
    def read() -> Image:
        return image_of_manifest(blobs, data, read_manifest(document), references)

    return [Candidate(references, lambda: read().config.platform, read)]


FORM = Form("docker", recognises=recognises, candidates=candidates)

"""skopeo's ``dir:`` form: a directory with manifest.json, and each blob under the hex of its digest."""


from laminix import strict_json
from laminix.forms.blobs import Blobs, image_of_manifest, index_candidates
from laminix.forms.choice import Candidate
from laminix.image import Image
from laminix.members import ArchiveMembers, DirectoryMembers
from laminix.oci import read_index, read_manifest

MANIFEST = "manifest.json"


def recognises(members: DirectoryMembers | ArchiveMembers) -> bool:
    """Whether MEMBERS are of this form: their manifest.json is an object (a docker archive's is a list)."""
    return members.has(MANIFEST) and isinstance(_document(members).raw, dict)


def candidates(members: DirectoryMembers | ArchiveMembers) -> list[Candidate]:
    """The image, or the images of its index."""
    blobs = Blobs(members, _hex, lambda digest: f"{_hex(digest)}.manifest.json")
    document = _document(members)
    if "manifests" in document.raw:
        return index_candidates(blobs, read_index(document))

    def read() -> Image:
        return image_of_manifest(blobs, members.read(MANIFEST), read_manifest(document), ())

    return [Candidate((), lambda: read().config.platform, read)]


def _document(members: DirectoryMembers | ArchiveMembers) -> strict_json.Value:
    return strict_json.loads(members.read(MANIFEST), "bad manifest", members.location(MANIFEST))


def _hex(digest: str) -> str:
    return digest.partition(":")[2]

"""verify-image's work has bounds."""

import collections
import json

import pytest

from disputed_documents import archive, hybrid
from file_trees import HardLink, Link, tar, write_tar
from image_forms import Image, docker_oci, encode, oci_layout, sha256
from laminix.forms.members import ArchiveMembers
from laminix.images import reference
from laminix.images.oci import NAME_ANNOTATION as NAME
from laminix.verify import image as verification
from laminix.verify.image import MAX_PROBLEMS, verify


@pytest.mark.parametrize("link", [Link, HardLink])
def test_a_blob_with_many_names_is_read_once(tmp_path, monkeypatch, link):
    members = oci_layout(Image((tar({"a": b"1"}),), {}))
    data = b"content"
    members[f"blobs/sha256/{sha256(data)}"] = data
    target = sha256(data) if link is Link else f"blobs/sha256/{sha256(data)}"
    members |= {f"blobs/sha256/{number:064x}": link(target) for number in range(300)}
    opened = collections.Counter()
    open_member = ArchiveMembers.open

    def counted(self, name):
        opened[self.content_id(name)] += 1
        return open_member(self, name)

    monkeypatch.setattr(ArchiveMembers, "open", counted)
    _, problems = verify(write_tar(str(tmp_path / "image"), members))
    assert len(problems) == 300 and max(opened.values()) <= 3


def test_there_is_an_end_to_problems(tmp_path):
    members = oci_layout(Image((tar({"a": b"1"}),), {}))
    members |= {f"blobs/sha256/{number:064x}": b"" for number in range(MAX_PROBLEMS + 500)}
    _, problems = verify(write_tar(str(tmp_path / "image"), members))
    assert len(problems) == MAX_PROBLEMS + 1
    assert str(problems[-1]) == f"bad image: more than {MAX_PROBLEMS} problems; the search ends here"


def test_the_search_ends(monkeypatch, tmp_path):
    """What follows the last problem is not looked at."""
    looked = []

    def endless(*_):
        for number in range(10_000):
            looked.append(number)
            yield verification.LaminixError("bad image", str(number))

    monkeypatch.setattr(verification, "blob_problems", endless)
    (tmp_path / "image").write_bytes(archive(hybrid("name")))
    verify(str(tmp_path / "image"))
    assert len(looked) <= MAX_PROBLEMS + 1


def test_steps_grow_with_the_number_of_names_and_not_faster(tmp_path, monkeypatch):
    def steps(number):
        image = Image((tar({"a": b"1"}),), {})
        members = docker_oci(image)
        index, [listed] = json.loads(members["index.json"]), json.loads(members["manifest.json"])
        [entry] = index["manifests"]
        names = [f"parent:v{n}" for n in range(number)]
        listed["RepoTags"] = names
        index["manifests"] = [{**entry, "annotations": {NAME: f"docker.io/library/{name}"}} for name in names]
        members |= {"index.json": encode(index), "manifest.json": encode([listed])}
        counted = 0

        def counting(name):
            nonlocal counted
            counted += 1
            return name if "/" in name else f"docker.io/library/{name}"

        monkeypatch.setattr(reference, "qualified_name", counting)
        assert verify(write_tar(str(tmp_path / "image"), members))[1] == []
        return counted

    assert steps(800) < 2.5 * steps(400)

"""Whiteouts with odd names and types hide what engines hide."""

import io

import pytest

from disputed_layers import WHITEOUTS, WHITEOUTS_OF_NOTHING
from file_trees import DIRECTORY, tar
from laminix.errors import LaminixError
from laminix.merge.merged_tree import MergedTree
from laminix.tar.reader import read

BASE = tar({"etc": DIRECTORY, "etc/f": b"f", "keep": b"k"})


def merged(layer):
    tree = MergedTree(range(10))
    for data in (BASE, layer):
        tree.add_layer(read(io.BytesIO(data)))
    return tree


@pytest.mark.parametrize("name", WHITEOUTS)
def test_every_member_with_a_whiteouts_name_hides(name):
    tree = merged(WHITEOUTS[name])
    assert tree.find(b"etc/f") is None and tree.find(b"keep") is not None


@pytest.mark.parametrize("name", WHITEOUTS_OF_NOTHING)
def test_a_whiteout_of_the_directory_itself_is_refused(name):
    with pytest.raises(LaminixError, match="is a whiteout that hides no name in its directory"):
        merged(WHITEOUTS_OF_NOTHING[name])

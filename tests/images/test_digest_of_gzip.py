"""A gzipped layer whose config calls its digest the diff ID is found wherever its digests are checked."""

import pytest

from disputed_documents import CASES
from laminix.errors import LaminixError
from laminix.forms import open_image
from laminix.images.layer_bytes import checked_chunks, uncompressed_chunks


@pytest.mark.parametrize("chunks", [lambda layer: checked_chunks(layer, diff_id_too=True), uncompressed_chunks])
def test_a_diff_id_that_is_the_digest_of_the_gzipped_layer(tmp_path, chunks):
    (tmp_path / "image").write_bytes(CASES["a diff ID that is the digest of the gzipped layer"].write("name"))
    [layer] = open_image(str(tmp_path / "image")).layers
    with pytest.raises(LaminixError, match="its diff ID is sha256:.*, expected sha256:"):
        for _ in chunks(layer):
            pass

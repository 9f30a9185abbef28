"""forms.archive_writer: the tars that transport images."""

import io
import tarfile

import pytest

from laminix.errors import LaminixError
from laminix.forms import archive_writer
from laminix.tar.writer import END


def test_tarfile_reads_every_kind_of_member():
    data = b"".join(
        [
            archive_writer.directory("d"),
            archive_writer.document("d/text", b"text"),
            archive_writer.link("d/link", "text"),
            *archive_writer.file("d/file", 3, [b"a", b"", b"bc"]),
            END,
        ]
    )
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == ["d", "d/text", "d/link", "d/file"]
        assert [tar.extractfile(name).read() for name in ("d/text", "d/link", "d/file")] == [
            b"text",
            b"text",
            b"abc",
        ]
        assert {member.mtime for member in tar} == {1}


@pytest.mark.parametrize("chunks", ([], [b"ab"], [b"ab", b"cd"]))
def test_file_of_another_size_is_refused(chunks):
    with pytest.raises(LaminixError, match=f"found {sum(map(len, chunks))} bytes, expected 3"):
        list(archive_writer.file("f", 3, chunks))

"""layers.file_entries: files that change between the walk of the tree and the moment they are read."""

import pytest

from laminix.errors import LaminixError
from laminix.layers.file_entries import EntryDefaults, NameRun, read_entries
from laminix.tar.entries import DIRECTORY, FILE, SYMLINK, Owner


@pytest.fixture
def entries(tmp_path):
    """``entries(name, type)``: the entries for NAME, which was found to be of TYPE."""
    (tmp_path / "file").write_text("text")
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("file")

    def read(name, type):
        run = NameRun(str(tmp_path).encode(), b"there/", [(name.encode(), type)], False)
        return [entry._replace(source=None) for entry in read_entries(run, EntryDefaults(Owner(), 1))]

    return read


@pytest.mark.parametrize("name, type, size, link", [("file", FILE, 4, b""), ("link", SYMLINK, 0, b"file")])
def test_is_what_was_found(entries, name, type, size, link):
    (entry,) = entries(name, type)
    assert (entry.path, entry.type, entry.size, entry.link) == (b"there/" + name.encode(), type, size, link)


@pytest.mark.parametrize(
    "name, type",
    [("directory", FILE), ("file", DIRECTORY), ("link", DIRECTORY), ("file", SYMLINK), ("directory", SYMLINK)],
)
def test_became_something_else(entries, name, type):
    with pytest.raises(LaminixError, match=rf"file changed type while being read \(.*/{name}\)"):
        entries(name, type)


@pytest.mark.parametrize("name, type, why", [("link", FILE, "cannot read file"), ("gone", DIRECTORY, "No such file")])
def test_is_not_there_any_more(entries, name, type, why):
    with pytest.raises(LaminixError, match=why):
        entries(name, type)

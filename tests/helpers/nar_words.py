"""NARs written word by word, for the tests: well-formed ones, and those that Nix never writes."""

Tree = bytes | str | dict[str, "Tree"]  # the content of a file, the target of a link, a directory


def word(text: bytes | str, padding: bytes = b"\0") -> bytes:
    """A string of a NAR: its length, its bytes, and PADDING up to a multiple of eight."""
    data = text.encode() if isinstance(text, str) else text
    return len(data).to_bytes(8, "little") + data + padding * (-len(data) % 8)


def words(*texts: bytes | str) -> bytes:
    """Strings of a NAR."""
    return b"".join(map(word, texts))


def node(tree: Tree, executable: bool = False) -> bytes:
    """A node of a NAR. The names of a directory have the order of the dictionary."""
    if isinstance(tree, str):
        return words("(", "type", "symlink", "target", tree, ")")
    if isinstance(tree, bytes):
        mark = ("executable", "") if executable else ()
        return words("(", "type", "regular", *mark, "contents", tree, ")")
    entries = (words("entry", "(", "name", name, "node") + node(below) + word(")") for name, below in tree.items())
    return words("(", "type", "directory") + b"".join(entries) + word(")")


def archive(top: bytes) -> bytes:
    """A NAR with the node TOP."""
    return word("nix-archive-1") + top

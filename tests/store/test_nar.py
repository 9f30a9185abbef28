"""The hash of a path is Nix's."""

import subprocess

from laminix.store.nar import nar_hash


def test_the_hash_is_that_of_nix(nix, tmp_path):
    tree = tmp_path / "tree"
    (tree / "b" / "empty").mkdir(parents=True)
    (tree / "b.c").write_bytes(b"12345678")
    (tree / "b" / "nothing").write_bytes(b"")
    (tree / "B\xe4").write_bytes(b"x" * 1_000_001)
    (tree / "program").write_bytes(b"#!")
    (tree / "program").chmod(0o755)
    (tree / "link").symlink_to("nowhere")
    for path in (tree, tree / "program", tree / "link", tree / "b.c"):
        printed = nix("nix", "hash", "path", "--sri", path).stdout
        assert nar_hash(str(path)) == printed.strip()

"""builders/compress: the outer compression of an archive."""

import gzip
import subprocess

import pytest

CONTENT = b"".join(b"line %d\n" % number for number in range(200_000))


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "archive.tar"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def compress(builder, archive, tmp_path):
    """``compress(COMPRESSOR)``: the bytes that become of the archive, or the error."""

    def run(compressor, **how):
        ran = builder("compress", archive, "--compressor", compressor, "--out", tmp_path / "out", **how)
        return (tmp_path / "out").read_bytes() if ran.returncode == 0 else ran.stderr

    return run


def test_none_copies(compress):
    assert compress("none") == CONTENT


def test_gzip_is_the_same_on_any_number_of_cores(compress):
    one, four = (compress("gzip", env={"NIX_BUILD_CORES": cores}) for cores in "14")
    assert one == four and gzip.decompress(one) == CONTENT


def test_zstd(compress, need):
    need("zstd")
    data = compress("zstd")
    assert subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout == CONTENT


def test_any_command(compress, need):
    need("xz")
    assert compress("xz -0")[:6] == b"\xfd7zXZ\0"


@pytest.mark.parametrize(
    "compressor, complaint",
    [
        ("nosuch", "unknown compressor: expected none, gzip, zstd or a command on $PATH"),
        ("false", "program failed: exit status 1"),
        ("", "found an empty command"),
    ],
)
def test_refuses(compress, tmp_path, compressor, complaint):
    error = compress(compressor)
    assert error.startswith("compress: error: ") and complaint in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_one_line(builder, tmp_path):
    ran = builder("compress", tmp_path / "none", "--out", tmp_path / "out")
    assert ran.returncode == 1 and ran.stderr == (
        f"compress: error: cannot access: No such file or directory ({tmp_path}/none)\n"
    )

"""mk-manual: man pages and completions of all builders, in the programs that read them."""

import subprocess

import pytest

from checkout import ROOT

BUILDERS = sorted(path.name for path in (ROOT / "builders").iterdir())


@pytest.fixture(scope="module")
def share(builder, tmp_path_factory):
    out = tmp_path_factory.mktemp("manual") / "share"
    done = builder("mk-manual", *(ROOT / "builders" / name for name in BUILDERS), "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return out


def test_every_builder_has_each_file(share):
    assert sorted(path.stem for path in (share / "man/man1").iterdir()) == BUILDERS
    assert sorted(path.name for path in (share / "bash-completion/completions").iterdir()) == BUILDERS
    assert sorted(path.name for path in (share / "zsh/site-functions").iterdir()) == [f"_{name}" for name in BUILDERS]
    assert sorted(path.stem for path in (share / "fish/vendor_completions.d").iterdir()) == BUILDERS


@pytest.mark.parametrize("name", BUILDERS)
def test_groff_prints_the_page_without_a_warning(need, share, name):
    need("groff")
    argv = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", share / f"man/man1/{name}.1"]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    page = " ".join(done.stdout.split())
    assert f"NAME {name} - " in page and "--version Show the version" in page and " EXAMPLE " in page


def test_the_page_says_what_help_says(need, share):
    need("groff")
    argv = ["groff", "-man", "-Tutf8", "-P-cbou", share / "man/man1/mk-layer.1"]
    page = " ".join(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())
    assert "mk-layer - Build a layer from directories, store paths and closures" in page
    assert "--uid N Owner ID of every entry (default 0)." in page
    assert "--store-path /nix/store/…-busybox" in page
    assert "mk-layer --copy ./root --copy ./site:/srv/www" in page


def test_the_package_has_them(nix):
    share = nix.build("laminix") / "share"
    assert sorted(path.stem for path in (share / "man/man1").iterdir()) == BUILDERS


def completed_by_bash(share, *words):
    script = f"""
    source {share}/bash-completion/completions/{words[0]}
    COMP_WORDS=({' '.join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
    _laminix_{words[0].replace('-', '_')}
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True).stdout.split()


def test_bash_completes_options_choices_and_files(share, tmp_path):
    assert completed_by_bash(share, "mk-layer", "--co") == ["--copy", "--compressor"]
    formats = completed_by_bash(share, "pack-image", "x", "--format", "docker-")
    assert formats == ["docker-archive", "docker-legacy-archive"]
    assert completed_by_bash(share, "mk-layer", "--uid", "") == []
    (tmp_path / "tree").mkdir()
    assert completed_by_bash(share, "mk-layer", "--copy", f"{tmp_path}/tr") == [f"{tmp_path}/tree"]


def test_fish_completes_options_and_choices(need, share, tmp_path):
    need("fish")

    def completed(line):
        script = f"for file in {share}/fish/vendor_completions.d/*; source $file; end; complete -C '{line}'"
        done = subprocess.run(["fish", "-N", "-c", script], capture_output=True, text=True, env={"HOME": str(tmp_path)})
        assert done.stderr == ""
        return [row.split("\t")[0] for row in done.stdout.splitlines()]

    assert completed("mk-layer --comp") == ["--compressor"]
    assert completed("pack-image --format docker-l") == ["docker-legacy-archive"]


@pytest.mark.parametrize("name", BUILDERS)
def test_zsh_reads_its_functions(need, share, name):
    need("zsh")
    # _arguments stands in for zsh's own, which works on a terminal only, and prints what it is given.
    script = f'_arguments() {{ print -rl -- "$@" }}; source {share}/zsh/site-functions/_{name}'
    given = subprocess.run(["zsh", "-fc", script], capture_output=True, text=True, check=True).stdout
    assert "--help[Show this help and exit]\n" in given and given.endswith("*:file:_files\n")

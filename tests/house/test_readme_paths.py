"""The files that the READMEs name are there."""

import re

import pytest

from checkout import ROOT

PAGES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("README.md"))
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
# A file by its path in the checkout, or by its name alone; capital letters stand for a name to choose.
FILE = re.compile(r"`((?:builders|lib|nix|tests)/[a-z0-9_./-]+|[a-z0-9_-]+\.(?:nix|py))`")
# What a how-to has its reader write.
TO_WRITE = re.compile(r"do[-_]it|test_x\b")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files(page):
    links = LINK.findall((ROOT / page).read_text())
    assert [link for link in links if not (ROOT / page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_named_files_exist(page):
    names = [name for name in FILE.findall((ROOT / page).read_text()) if not TO_WRITE.search(name)]
    assert [name for name in names if not exists(name)] == []


def exists(name: str) -> bool:
    return (ROOT / name).exists() if "/" in name else any(ROOT.rglob(name))

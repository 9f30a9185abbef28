"""Layers on a parent: directories, links, whiteouts and hard links, with and without --skip-existing.

P is the parent, each brace after it a layer of the image. ``layer_notation`` has the notation.
"""

import pytest

import layer_notation
from children import layer_tars, on_parent
from laminix.errors import LaminixError

SKIP = pytest.mark.parametrize("skip_existing", [False, True], ids=["all", "skip-existing"])


def parts(case):
    parent, *child = layer_notation.layers(case)
    return [parent], child


def merged_layers(tmp_path, case, skip_existing=False):
    return layer_tars(on_parent(str(tmp_path), *parts(case), skip_existing))


def check(tmp_path, case, skip_existing, expected):
    merged = layer_notation.tree(merged_layers(tmp_path, case, skip_existing))
    assert merged == layer_notation.tree([layer_notation.tar(layer_notation.members(expected))])


DIRECTORIES = {
    "P{tmp/ 1777} + {tmp/f}": "tmp/ 1777, tmp/f",
    "P{var/mail/ 2775 0:8} + {var/mail/f}": "var/mail/ 2775 0:8, var/mail/f",
    "P{root/ 0700, root/f} + {root/.wh.f}": "root/ 0700",
    "P{etc/} + {etc/ 0555, etc/f}": "etc/, etc/f",
    "P{home/ 0755 5:5} + {home/ 0755 9:9, home/f}": "home/ 0755 5:5, home/f",
    "P{tmp/ 1777} + {tmp/a} + {tmp/b}": "tmp/ 1777, tmp/a, tmp/b",
    "P{tmp/ 1777} + {tmp/ 0700 !, tmp/a}": "tmp/ 0700, tmp/a",
    "P{tmp/ 1777} + {tmp/ 0755 !, tmp/a}": "tmp/ 0755, tmp/a",
    "P{tmp/ 1777} + {tmp/ 0700 3:3 !} + {tmp/b}": "tmp/ 0700 3:3, tmp/b",
    "P{tmp/ 1777} + {tmp/ 0700 !} + {tmp/ 1777 !}": "tmp/ 1777",
    "P{tmp/ 1777, tmp/old} + {.wh.tmp} + {tmp/ 0711, tmp/a}": "tmp/ 0711, tmp/a",
    "P{tmp/ 1777, tmp/old} + {tmp/.wh..wh..opq, tmp/a}": "tmp/ 1777, tmp/a",
    "P{a} + {new/ 0700, new/f}": "a, new/ 0700, new/f",
    "P{a} + {new/ 0700} + {new/ 0711, new/f}": "a, new/ 0711, new/f",
    "P{data/ 1777, tmp→data} + {tmp/ 0700, tmp/f}": "data/ 1777, data/f, tmp→data",
    "P{data/ 1777, tmp→data} + {tmp/ 0700 !, tmp/f}": "data/ 0700, data/f, tmp→data",
    "P{data/ 1777, tmp→data} + {tmp/ 0700 !, tmp/f, data/g}": "data/ 0700, data/f, data/g, tmp→data",
}


@SKIP
@pytest.mark.parametrize("case", DIRECTORIES)
def test_a_directory_keeps_what_the_parent_gave_it(tmp_path, case, skip_existing):
    check(tmp_path, case, skip_existing, DIRECTORIES[case])


def test_a_layer_without_entries_for_directories_gets_those_that_the_parent_has(tmp_path):
    parent = layer_notation.layers("{tmp/ 1777, opt/}")
    child = [layer_notation.tar([member for member in layer_notation.members("tmp/f") if member[1]])]
    layers = layer_tars(on_parent(str(tmp_path), parent, child, False))
    assert layers[1] == layer_notation.layers("{tmp/ 1777, tmp/f}")[0]


@pytest.mark.parametrize("child", ["{etc/, etc/f}", "{new/ 0711, new/f}", "{etc/ 0700 !, etc/f}"])
def test_a_layer_that_needs_no_change_keeps_its_bytes(tmp_path, child):
    assert merged_layers(tmp_path, "P{etc/, etc/g} + " + child)[1:] == layer_notation.layers(child)


LINKS = {
    "P{bin/sh, usr→.} + {usr/bin/tool}": "bin/sh, bin/tool, usr→.",
    "P{bin/sh, usr→/} + {usr/bin/.wh.sh, usr/new}": "bin/, new, usr→/",
    "P{usr/lib/libc, lib→usr/lib} + {lib→usr/lib} + {lib/new}": "usr/lib/libc, usr/lib/new, lib→usr/lib",
    "P{usr/lib/libc, lib→usr/lib} + {lib→usr/lib 0777 5:5} + {lib/new}": (
        "usr/lib/libc, usr/lib/new, lib→usr/lib 0777 5:5"
    ),
    "P{run/, usr/lib→../run, lib→usr/lib} + {usr/lib→../run} + {lib/new}": "run/new, usr/lib→../run, lib→usr/lib",
    "P{run/, usr/lib→../run, lib→usr/lib} + {opt/, usr/lib→../opt} + {lib/new}": (
        "run/, opt/new, usr/lib→../opt, lib→usr/lib"
    ),
    "P{usr/lib/libc, lib→usr/lib} + {lib→usr} + {lib/new}": "usr/lib/libc, lib/new",
    "P{usr/bin/sub/ 0700, bin→usr/bin} + {bin/sub/, usr/bin/sub/ 0711, bin/sub/f}": (
        "usr/bin/sub/ 0700, usr/bin/sub/f, bin→usr/bin"
    ),
    "P{usr/bin/, bin→usr/bin} + {bin/sub/ 0700 !, usr/bin/sub/}": "usr/bin/sub/ 0700, bin→usr/bin",
}


@SKIP
@pytest.mark.parametrize("case", LINKS)
def test_a_link_of_the_parent_is_followed(tmp_path, case, skip_existing):
    check(tmp_path, case, skip_existing, LINKS[case])


MEETING = {
    "P{usr/bin/sh, bin→usr/bin} + {bin/tool, usr/bin→../opt}": (
        "'usr/bin' and 'bin' differ, but are the same path in the parent"
    ),
    "P{usr/bin/sh, bin→usr/bin} + {bin/tool, usr/bin}": (
        "'usr/bin' and 'bin' differ, but are the same path in the parent"
    ),
    "P{usr/bin/sh, bin→usr/bin} + {bin/tool, usr→opt}": (
        "'bin' goes to 'usr/bin' in the parent, but 'usr' is not a directory"
    ),
    "P{x, l→.} + {l/l}": "'l' goes where links of the parent lead, by way of 'l', which the layer replaces",
    "P{b/, m→b, l→m} + {l/x, m}": "'l' goes where links of the parent lead, by way of 'm', which the layer replaces",
    "P{a/, b/, l→a/../b} + {l/x, a}": "'l' goes where links of the parent lead, by way of 'a', which the layer replaces",
    "P{b/, l→b} + {b, l/x}": "'b' and 'l' differ, but are the same path in the parent",
    "P{usr/bin/sh, bin→usr/bin} + {bin/sub/ 0700, usr/bin/sub/}": (
        "'usr/bin/sub' and 'bin/sub' differ, but are the same path in the parent"
    ),
}


@SKIP
@pytest.mark.parametrize("case", MEETING)
def test_members_that_meet_and_disagree_are_refused(tmp_path, case, skip_existing):
    with pytest.raises(LaminixError) as caught:
        merged_layers(tmp_path, case, skip_existing)
    assert str(caught.value) == f"cannot merge the layer with its parent: {MEETING[case]}"


WHITEOUTS = {
    "P{usr/bin/d/old, bin→usr/bin} + {bin/.wh.d, usr/bin/d/new}": "usr/bin/d/new, bin→usr/bin",
    "P{usr/bin/d/old, bin→usr/bin} + {usr/bin/.wh.d, bin/d/new}": "usr/bin/d/new, bin→usr/bin",
    "P{usr/bin/d=old, bin→usr/bin} + {bin/.wh.d, usr/bin/d=new}": "usr/bin/d=new, bin→usr/bin",
    "P{usr/bin/d, usr/bin/e, bin→usr/bin} + {bin/.wh.d, usr/bin/.wh.d}": "usr/bin/e, bin→usr/bin",
    "P{usr/bin/d, bin→usr/bin} + {bin/.wh..wh..opq, bin/x}": "usr/bin/d, bin/x",
    "P{usr/bin/d, bin→usr/bin} + {.wh.bin, bin/.wh.d, bin/x}": "usr/bin/d, bin/x",
}


@SKIP
@pytest.mark.parametrize("case", WHITEOUTS)
def test_whiteouts_below_a_link_hide_the_parents_files(tmp_path, case, skip_existing):
    check(tmp_path, case, skip_existing, WHITEOUTS[case])


def test_a_whiteout_that_meets_its_directory_becomes_an_opaque_marker(tmp_path):
    layers = merged_layers(tmp_path, "P{usr/bin/d/old, bin→usr/bin} + {bin/.wh.d, usr/bin/d/new}")
    assert layers[1] == layer_notation.layers("{usr/bin/d/.wh..wh..opq, usr/bin/d/new}")[0]


HARD_LINKS = {
    "P{x/ 0700} + {x/a, x/b⇒x/a, x/c⇒x/a}": "x/ 0700, x/a, x/b⇒x/a, x/c⇒x/a",
    "P{x/ 0700} + {x/b, x/a⇒x/b}": "x/ 0700, x/a=b, x/b⇒x/a",
    "P{usr/bin/, bin→usr/bin} + {bin/a, bin/b⇒bin/a}": "usr/bin/a, usr/bin/b⇒usr/bin/a",
    "P{x/ 0700} + {x/a=, x/b⇒x/a, x/c=}": "x/ 0700, x/a=, x/b⇒x/a, x/c=",
}


@pytest.mark.parametrize("case", HARD_LINKS)
def test_a_rewritten_layer_keeps_its_hard_links(tmp_path, case):
    assert merged_layers(tmp_path, case)[1] == layer_notation.layers("{" + HARD_LINKS[case] + "}")[0]


def test_hard_links_to_a_file_that_is_left_out_share_their_content(tmp_path):
    layers = merged_layers(tmp_path, "P{a} + {a, b⇒a, c⇒a}", skip_existing=True)
    assert layers[1] == layer_notation.layers("{b=a, c⇒b}")[0]


def test_a_store_path_of_one_name_and_other_content_is_not_taken_for_the_same(tmp_path):
    file = f"nix/store/{'0' * 32}-x/f"
    layers = merged_layers(tmp_path, f"P{{{file}=one}} + {{{file}=two, {file}2=same}}", skip_existing=True)
    assert layers[1] == layer_notation.layers(f"{{{file}=two, {file}2=same}}")[0]

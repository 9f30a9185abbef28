"""What explain-plan says of a plan, as a process."""

import json
from xml.etree import ElementTree

import pytest

from sample_closures import real_closures, store_path

GLIBC, ZLIB, APP = (store_path(name) for name in ("glibc-2.40", "zlib-1.3", "app-1.0"))
CLOSURE = [
    {"path": GLIBC, "narSize": 30 << 20, "references": [GLIBC]},
    {"path": ZLIB, "narSize": 2 << 20, "references": [GLIBC, ZLIB]},
    {"path": APP, "narSize": 1 << 20, "references": [ZLIB]},
]


@pytest.fixture
def explained(builder, tmp_path):
    """``explained(layers, *options)``: the ended process of explain-plan for a plan of CLOSURE."""

    def run(layers, *options):
        plan, closure = tmp_path / "plan.json", tmp_path / "closure.json"
        plan.write_text(json.dumps({"layers": [{"storePaths": paths} for paths in layers]}))
        closure.write_text(json.dumps(CLOSURE))
        return builder("explain-plan", plan, "--closure", closure, *options)

    return run


def test_the_table(explained):
    done = explained([[GLIBC], [ZLIB, APP]])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "LAYER      SIZE  PATHS  CHANGES  TRANSFER  CONTAINS   CHANGED BY\n"
        "    0  30.0 MiB      1   33.3 %  10.0 MiB  glibc      itself\n"
        "    1   3.0 MiB      2  100.0 %   3.0 MiB  zlib, app  itself, glibc\n"
        "\n"
        "TOTAL                                      BYTES  OF MINIMUM\n"
        "average transfer of an update           13.0 MiB      x 1.05\n"
        "popularity contest with as many layers  13.0 MiB      x 1.05\n"
        "one layer for each path (minimum)       12.3 MiB      x 1.00\n"
    )


def test_json(explained):
    assert json.loads(explained([[GLIBC], [ZLIB, APP]], "--json").stdout) == {
        "layers": [
            {"storePaths": [GLIBC], "size": 30 << 20, "changes": 0.333333, "transfer": 10 << 20},
            {"storePaths": [ZLIB, APP], "size": 3 << 20, "changes": 1.0, "transfer": 3 << 20},
        ],
        "transfer": 13 << 20,
        "popularityContest": 13 << 20,
        "least": (10 << 20) + (4 << 20) // 3 + (1 << 20),
        "leftOut": 0,
    }


def test_markdown(explained):
    printed = explained([[GLIBC], [ZLIB, APP]], "--format", "markdown").stdout
    assert "| 0 | 30.0 MiB | 1 | 33.3 % | 10.0 MiB | glibc | itself |\n" in printed


def test_picture(explained):
    root = ElementTree.fromstring(explained([[GLIBC], [ZLIB, APP]], "--format", "svg").stdout)
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert f"{GLIBC.rpartition('/')[2]}, 30.0 MiB, changed by 33.3 % of updates" in titles
    assert "layer 1, 3.0 MiB, changed by 100.0 % of updates" in titles


def test_weights(explained, tmp_path):
    (tmp_path / "weights.json").write_text(json.dumps({"app": 8}))
    rows = explained([[GLIBC], [ZLIB, APP]], "--weights", tmp_path / "weights.json").stdout.splitlines()
    assert rows[1].split()[4:6] == ["10.0", "%"]
    assert rows[2].split()[4:6] == ["100.0", "%"]


def test_what_the_plan_leaves_out_is_counted(explained):
    done = explained([[ZLIB], [APP]])
    assert done.stdout.endswith("paths of the closure in no layer: 1\n")


def test_an_empty_plan(explained):
    assert explained([]).stdout.endswith("paths of the closure in no layer: 3\n")


def test_a_path_of_another_closure(explained):
    done = explained([[store_path("other-1")]])
    complaint = f"bad plan: {store_path('other-1')} is not in the closure; give the closure that was planned"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"explain-plan: error: {complaint}\n")


@pytest.mark.parametrize("name", ["npm", "mixed"])
def test_a_plan_beats_the_popularity_contest(builder, tmp_path, name):
    (tmp_path / "closure.json").write_text(json.dumps(real_closures()[name]))
    options = ["--closure", tmp_path / "closure.json"]
    (tmp_path / "plan.json").write_text(builder("plan-layers", *options, "--max-layers", 50).stdout)
    *_, ours, contest, least = builder("explain-plan", tmp_path / "plan.json", *options).stdout.splitlines()
    times = [float(row.split()[-1]) for row in (ours, contest, least)]
    assert times[0] < 1.2 and times[1] > 5 and times[2] == 1

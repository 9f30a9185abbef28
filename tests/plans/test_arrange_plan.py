"""builders/arrange-plan: layers by a pipeline of operations."""

import json

import pytest

# app -> lib, tool; tool -> lib, libc; lib -> libc; other -> libc
REFERENCES = {"app": ["lib", "tool"], "tool": ["lib", "libc"], "lib": ["libc"], "libc": [], "other": ["libc"]}


PATHS = {name: f"/nix/store/{number * 32}-{name}" for name, number in zip(REFERENCES, "12345")}


@pytest.fixture
def arranged(builder, tmp_path):
    """``arranged(PIPELINE)``: the names in each layer, base first."""

    def run(pipeline, expected_status: int = 0):
        closure = [
            {"path": PATHS[name], "narSize": 1, "references": [PATHS[link] for link in links]}
            for name, links in REFERENCES.items()
        ]
        documents = {
            "closure": closure,
            "plan": {"layers": [{"storePaths": sorted(PATHS.values())}]},
            "pipeline": pipeline,
        }
        options = []
        for name, document in documents.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(document))
            options += [f"--{name}", tmp_path / f"{name}.json"]
        done = builder("arrange-plan", *options)
        assert done.returncode == expected_status, done.stderr
        if expected_status:
            return done.stderr
        return [[store_path[44:] for store_path in layer["storePaths"]] for layer in json.loads(done.stdout)["layers"]]

    return run


def test_without_operations_all_is_one_layer(arranged):
    assert arranged([]) == [["app", "tool", "lib", "libc", "other"]]


def test_the_popular_have_layers_of_their_own(arranged):
    assert arranged([["popularity_contest"]]) == [["libc"], ["lib"], ["tool"], ["app"], ["other"]]
    assert arranged([["popularity_contest"], ["limit_layers", 3]]) == [["libc"], ["lib"], ["app", "tool", "other"]]
    assert arranged([["popularity_contest"], ["reverse"], ["limit_layers", 1]]) == [
        ["app", "tool", "lib", "libc", "other"]
    ]


def test_parts_of_the_graph(arranged):
    assert arranged([["subcomponent_out", [PATHS["lib"]]]]) == [["lib", "libc"], ["app", "tool", "other"]]
    assert arranged([["subcomponent_in", PATHS["tool"]]]) == [["app", "tool"], ["lib", "libc", "other"]]
    assert arranged([["split_paths", [PATHS["app"]]]]) == [["app", "tool", "lib"], ["libc"], ["other"]]
    assert arranged([["remove_paths", PATHS["libc"]]]) == [["app", "tool", "lib", "other"]]


def test_operations_on_named_groups(arranged):
    split = ["split_paths", [PATHS["app"]]]
    pipe = ["pipe", [["popularity_contest"], ["limit_layers", 2]]]
    assert arranged([split, ["over", "main", pipe]]) == [["lib"], ["app", "tool"], ["libc"], ["other"]]
    assert arranged([split, ["map", ["popularity_contest"]], ["flatten"], ["limit_layers", 2]]) == [
        ["lib"],
        ["app", "tool", "libc", "other"],
    ]


@pytest.mark.parametrize(
    "pipeline, complaint",
    [
        ([["popularity"]], "[0][0]: unknown operation 'popularity', expected one of flatten, "),
        ([["popularity_contest"], ["over", "main", ["flatten"]]], "found no group 'main'"),
        (
            [["popularity_contest"], ["remove_paths", "x"]],
            "remove_paths: it takes one group, but the operation before it makes several",
        ),
        ([["map", ["flatten"]]], "`map` follows an operation that makes several groups"),
        ([["popularity_contest"], ["limit_layers", 0]], "found 0, expected a number of layers"),
        ([["popularity_contest"], ["limit_layers"]], "limit_layers: found 0 arguments, expected 1"),
        ("popularity_contest", "found a string, expected a list"),
        ([[]], "[0]: unknown operation []"),
    ],
)
def test_what_is_refused(arranged, pipeline, complaint):
    error = arranged(pipeline, expected_status=1)
    assert error.startswith("arrange-plan: error: ") and complaint in error and error.count("\n") == 1

"""Plans: the laws that each keeps, how little they move, and what is refused."""

import json
import random

import pytest

from sample_closures import made_closure, real_closures, rebuilt, shaped_closures, store_path, updated

REAL = real_closures()
CLOSURES = {**REAL, **shaped_closures(), "made": made_closure(700), "with-roots": made_closure(300, seed=5)}


@pytest.fixture
def plan(builder, tmp_path):
    """``plan(closure, K, *options)``: the layers that plan-layers makes of it, by names of files and by paths."""

    def run(closure, most, *options):
        file = tmp_path / "closure.json"
        file.write_text(json.dumps(closure))
        done = builder("plan-layers", "--closure", file, "--max-layers", most, *options)
        assert (done.returncode, done.stderr) == (0, "")
        return [layer["storePaths"] for layer in json.loads(done.stdout)["layers"]]

    return run


@pytest.fixture
def previous(tmp_path):
    """``previous(layers)``: the option for a plan of LAYERS as the plan before."""

    def write(layers):
        file = tmp_path / "previous.json"
        file.write_text(json.dumps({"layers": [{"storePaths": paths} for paths in layers]}))
        return f"--previous={file}"

    return write


def paths_of(closure):
    return sorted(item["path"] for item in closure)


def below(closure):
    """For each path what it refers to, directly or not, and itself."""
    references = {item["path"]: item["references"] for item in closure}
    found = {}
    for path in references:
        seen, waiting = {path}, [path]
        while waiting:
            new = set(references[waiting.pop()]) - seen
            seen |= new
            waiting += new
        found[path] = seen
    return found


def transfer(closure, layers):
    """What one update of each package sends of LAYERS, by the least that it may be."""
    sizes, touched = {item["path"]: item["narSize"] for item in closure}, below(closure)
    sent = sum(sum(map(sizes.get, layer)) * len(set().union(*map(touched.get, layer))) for layer in layers)
    return sent / sum(sizes[path] * len(touched[path]) for path in sizes)


@pytest.mark.parametrize("most", [1, 2, 7, 60, 200])
@pytest.mark.parametrize("name", CLOSURES)
def test_each_path_is_in_one_layer_and_no_layer_is_too_many(plan, name, most):
    layers = plan(CLOSURES[name], most)
    assert sorted(sum(layers, [])) == paths_of(CLOSURES[name])
    assert len(layers) <= most and all(layers)


@pytest.mark.parametrize("name", CLOSURES)
def test_neither_hashes_nor_the_order_of_the_closure_matter(plan, name):
    again, new = rebuilt(CLOSURES[name], "again")
    random.Random(1).shuffle(again)
    expected = [[new[path] for path in layer] for layer in plan(CLOSURES[name], 20)]
    assert plan(again, 20) == expected


@pytest.mark.parametrize("name", CLOSURES)
def test_what_changes_least_is_lowest(plan, name):
    touched = below(CLOSURES[name])
    changes = [len(set().union(*map(touched.get, layer))) for layer in plan(CLOSURES[name], 20)]
    assert changes == sorted(changes)


@pytest.mark.parametrize(
    "name, most, limit",
    [
        ("npm", 20, 1.45),
        ("npm", 50, 1.15),
        ("npm", 100, 1.06),
        ("libreoffice", 20, 1.16),
        ("libreoffice", 50, 1.04),
        ("mixed", 20, 1.58),
        ("mixed", 50, 1.15),
        ("mixed", 100, 1.04),
    ],
)
def test_updates_move_little(plan, name, most, limit):
    assert transfer(REAL[name], plan(REAL[name], most)) < limit


def test_a_closure_is_planned_again_as_before(plan, previous):
    layers = plan(REAL["npm"], 30)
    assert plan(REAL["npm"], 30, previous(layers)) == layers


@pytest.mark.parametrize("seed", range(3))
def test_what_an_update_leaves_alone_stays_where_it_is(plan, previous, seed):
    closure, rng = REAL["libreoffice"], random.Random(seed)
    layers = plan(closure, 40)
    for build in range(5):
        closure = updated(closure, build, rng)
        there = set(paths_of(closure))
        untouched = [layer for layer in layers if there.issuperset(layer)]
        layers = plan(closure, 40, previous(layers))
        assert sorted(sum(layers, [])) == sorted(there) and len(layers) <= 40
        changed = [layer for layer in untouched if layer not in layers]
        assert sum(map(len, changed)) <= 0.2 * len(there)


def test_an_updated_package_stays_in_its_layer(plan, previous):
    a, b, c = (store_path(f"{name}-1") for name in "abc")
    updated_b = store_path("b-2", 1)
    closure = [{"path": path, "narSize": 1 << 20, "references": []} for path in (a, updated_b, c)]
    assert plan(closure, 2, previous([[a, b], [c]])) == [[c], [a, updated_b]]


@pytest.mark.parametrize("most, limit", [(10, 1.68), (50, 1.07)])
def test_layers_that_are_sent_anyway_are_divided_anew(plan, previous, most, limit):
    # At 10 layers moves alone, which cost nothing then, come to 1.72.
    layers = plan(REAL["npm"], most)
    closure, new = rebuilt(REAL["npm"], "again")
    renamed = previous([[new[path] for path in layer] for layer in layers])
    assert transfer(closure, plan(closure, most, renamed)) == transfer(REAL["npm"], layers)
    assert transfer(closure, plan(closure, most, previous(layers))) < limit


def test_a_plan_before_with_too_many_layers_is_cut_down(plan, previous):
    closure = CLOSURES["leaves"]
    layers = plan(closure, 8, previous(plan(closure, 30)))
    assert sorted(sum(layers, [])) == paths_of(closure) and len(layers) <= 8


def test_a_plan_before_that_moves_too_much_is_given_up(plan, previous):
    closure = REAL["npm"]
    assert plan(closure, 50, previous([paths_of(closure)])) == plan(closure, 50)


def test_a_plan_before_of_something_else_says_nothing(plan, previous):
    closure = REAL["gcc"]
    assert plan(closure, 9, previous([[store_path("other-1")]])) == plan(closure, 9)


def test_of_very_many_paths_each_is_in_one_layer_too(plan):
    closure = made_closure(20_500)
    layers = plan(closure, 50)
    assert sorted(sum(layers, [])) == paths_of(closure) and len(layers) == 50


def application():
    """An app, the glibc below it, and 20 libraries that do not know each other."""
    glibc, app = store_path("glibc-2.40"), store_path("app-1.0")
    libraries = [store_path(f"lib{number}-1.0") for number in range(20)]
    return [
        {"path": glibc, "narSize": 30_000_000, "references": [glibc]},
        *({"path": path, "narSize": 400_000, "references": [glibc]} for path in libraries),
        {"path": app, "narSize": 400_000, "references": libraries},
    ]


def test_what_is_pinned_has_a_layer_of_its_own(plan):
    closure = application()
    layers = plan(closure, 4, "--pin", "lib1*-1.0", "--pin", "lib3-*")
    assert [store_path("lib3-1.0")] in layers
    assert sorted(store_path(f"lib{n}-1.0") for n in (1, *range(10, 20))) in [sorted(layer) for layer in layers]
    assert sorted(sum(layers, [])) == paths_of(closure) and len(layers) <= 4


def test_the_weight_of_a_package_sets_it_apart(plan, tmp_path):
    weights = tmp_path / "weights.json"
    weights.write_text(json.dumps({"lib7": 1000}))
    top = plan(application(), 3, "--weights", weights)[-1]
    assert store_path("lib7-1.0") in top and store_path("lib3-1.0") not in top


def test_roots_that_change_often_stand_alone(plan):
    layers = plan(application(), 3, "--weights", "roots")
    assert layers[-1] == [store_path("app-1.0")]


def test_what_never_changes_is_lowest(plan, tmp_path):
    weights = tmp_path / "weights.json"
    weights.write_text(json.dumps({"glibc": 0}))
    assert store_path("glibc-2.40") in plan(application(), 3, "--weights", weights)[0]


def test_a_root_that_nothing_refers_to_is_left_out(plan):
    left = sum(plan(application(), 9, "--omit-root", store_path("app-1.0")), [])
    assert sorted(left) == [path for path in paths_of(application()) if not path.endswith("app-1.0")]


def store_of_two(tmp_path):
    """A closure of two store paths that are really there, one a file."""
    store = tmp_path / "nix" / "store"
    store.mkdir(parents=True)
    directory, file = (store / store_path(name)[11:] for name in ("tree-1", "file-1"))
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / "x").write_text("x")
    file.write_text("y")
    return [{"path": str(path), "narSize": 9, "references": []} for path in (directory, file)]


def test_what_layers_hold_is_left_out(plan, builder, tmp_path):
    closure = store_of_two(tmp_path)
    layer = tmp_path / "layer"
    assert builder("mk-layer", "--store-path", closure[0]["path"], "--out", layer).returncode == 0
    assert plan(closure, 5, "--base", layer) == [[closure[1]["path"]]]


def test_what_an_image_holds_is_left_out(plan, builder, tmp_path):
    closure = store_of_two(tmp_path)
    layer, image = tmp_path / "layer", tmp_path / "image"
    words = [f"--store-path={item['path']}" for item in closure]
    assert builder("mk-layer", *words, "--out", layer).returncode == 0
    assert builder("mk-image", "--name", "x", "--layer", layer, "--out", image).returncode == 0
    assert plan(closure, 5, "--base", image) == []


@pytest.mark.parametrize("form", ["layer", "image"])
def test_the_layers_of_a_base_may_count(plan, builder, tmp_path, form):
    closure = store_of_two(tmp_path)
    assert builder("mk-layer", "--files", "/dev/stdin", "--out", tmp_path / "layer", input="{}").returncode == 0
    image = ["--name", "x", "--layer", tmp_path / "layer", "--out", tmp_path / "image"]
    assert builder("mk-image", *image).returncode == 0
    base = ["--base", tmp_path / form]
    assert len(plan(closure, 2, *base)) == 2
    assert len(plan(closure, 2, *base, "--count-base")) == 1
    done = builder("plan-layers", "--closure", tmp_path / "closure.json", "--max-layers=1", *base, "--count-base")
    complaint = "too few layers: found 1 layers in the base, expected fewer than --max-layers (1); raise it"
    assert (done.returncode, done.stderr) == (1, f"plan-layers: error: {complaint}\n")
    assert len(plan(closure, 1, *base, "--count-base", "--min-layers=1")) == 1
    assert len(plan(closure, 2, *base, "--count-base", "--min-layers=2")) == 2
    assert len(plan(closure, 3, *base, "--count-base", "--min-layers=1")) == 2


def test_a_base_has_a_platform(plan, builder, tmp_path):
    closure = store_of_two(tmp_path)
    words = [f"--store-path={item['path']}" for item in closure]
    images = []
    for architecture, sources in (("amd64", words[:1]), ("arm64", words)):
        layer, image = tmp_path / f"{architecture}.layer", tmp_path / architecture
        assert builder("mk-layer", *sources, "--out", layer).returncode == 0
        options = ("--name", "x", "--layer", layer, "--architecture", architecture)
        assert builder("mk-image", *options, "--out", image).returncode == 0
        images.append(image)
    index = tmp_path / "index"
    assert builder("mk-index", "--name", "x", *(f"--image={image}" for image in images), "--out", index).returncode == 0
    assert len(plan(closure, 2, "--base", index, "--platform", "linux/amd64")) == 1
    assert plan(closure, 2, "--base", index, "--platform", "linux/arm64") == []


def test_what_an_image_holds_in_part_is_not_left_out(plan, builder, tmp_path):
    closure = store_of_two(tmp_path)
    lower, upper, image = tmp_path / "lower", tmp_path / "upper", tmp_path / "image"
    words = [f"--store-path={item['path']}" for item in closure]
    inside = closure[0]["path"].lstrip("/") + "/bin/x"
    assert builder("mk-layer", *words, "--out", lower).returncode == 0
    assert builder("mk-layer", "--remove", inside, "--out", upper).returncode == 0
    image_options = ["--name", "x", "--layer", lower, "--layer", upper, "--out", image]
    assert builder("mk-image", *image_options).returncode == 0
    assert plan(closure, 5, "--base", image) == [[closure[0]["path"]]]


@pytest.mark.parametrize(
    "options, complaint",
    [
        (
            ["--pin", "nothing-*"],
            "bad plan: pin 'nothing-*' matches no name in the closure; names include the version, such as hello-2.12",
        ),
        (
            ["--max-layers", "1", "--pin", "app-*"],
            "bad plan: the pins and the other paths need at least 2 layers (limit 1); raise --max-layers",
        ),
        (["--base", "/nowhere"], "bad image: no such file or directory (/nowhere)"),
    ],
)
def test_what_cannot_be_planned(builder, tmp_path, options, complaint):
    file = tmp_path / "closure.json"
    file.write_text(json.dumps(application()))
    done = builder("plan-layers", "--closure", file, *options)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"plan-layers: error: {complaint}\n")


def test_a_rate_that_is_none(builder, tmp_path):
    (tmp_path / "closure.json").write_text("[]")
    (tmp_path / "weights.json").write_text('{"app": -1}')
    done = builder("plan-layers", "--closure", tmp_path / "closure.json", "--weights", tmp_path / "weights.json")
    assert done.returncode == 1
    assert done.stderr.startswith("plan-layers: error: bad JSON file: app: found -1, expected the update frequency")


@pytest.mark.parametrize("count", ["0", "-3", "many", "1.5"])
def test_a_number_of_layers_that_is_none(builder, tmp_path, count):
    (tmp_path / "closure.json").write_text("[]")
    done = builder("plan-layers", "--closure", tmp_path / "closure.json", f"--max-layers={count}")
    assert done.returncode == 2 and f"found {count!r}" in done.stderr

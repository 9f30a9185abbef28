#!/usr/bin/env python3
"""Compare what laminix reads in generated images with what other programs read in them (as root).

Each case is a parent and a child with whiteouts, opaque directories, changes of type, and links across layers. It
makes three images: all layers as they are, the child merged with its parent, and the same with --skip-existing.
All have the child's files, and the last two have the same tree. With --with, which can be repeated, umoci, podman and
docker unpack them, and the trees are compared; skopeo tells digests and diff IDs.
"""

import argparse
import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS.parent / "lib"), str(TESTS / "helpers")]

import generated_children  # noqa: E402
from children import layer_tars, layout  # noqa: E402
from engines import daemon, docker  # noqa: E402
from engines.podman import Podman  # noqa: E402
from engines.skopeo import Skopeo  # noqa: E402
from engines.umoci import Umoci  # noqa: E402
from image_forms import gzipped  # noqa: E402
from laminix.forms import docker_archive, open_image  # noqa: E402
from laminix.images.reference import read_reference  # noqa: E402
from layer_notation import tar, tree  # noqa: E402

# What an engine adds to every container.
ADDED = ("dev", "etc", "proc", "run", "sys", ".dockerenv")
DOCKER_STORES = {"docker": "overlay2", "docker-containerd": "containerd"}

Compare = Callable[[str, str], str]  # takes an OCI layout and an empty directory; returns what differs, or ""


def trees_differ(image: str, found: dict[str, str]) -> str:
    """Return the paths at which FOUND differs from laminix's merged tree of IMAGE, with both values."""
    expected = tree(layer_tars(image))
    paths = sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
    return ", ".join(f"{path}: {expected.get(path)}, not {found.get(path)}" for path in paths)


def by_umoci(image: str, directory: str) -> str:
    bundle = Umoci(directory).unpack(f"{image}:v1")
    return trees_differ(image, generated_children.tree_on_disk(f"{bundle}/rootfs"))


def by_podman(image: str, directory: str) -> str:
    engine = Podman(directory)
    return trees_differ(
        image, _without_added(generated_children.tree_of_tar(engine.files(engine.pull(f"oci:{image}:v1"))))
    )


def by_docker(engine: docker.Docker) -> Compare:
    """Return a comparison with the running ENGINE."""
    numbers = itertools.count()

    def compare(image: str, directory: str) -> str:
        name = f"case-{next(numbers)}:v1"
        engine.load(packed(image, directory, name))
        return trees_differ(image, _without_added(generated_children.tree_of_tar(engine.files(name))))

    return compare


def by_skopeo(image: str, directory: str) -> str:
    """Return what skopeo reads as other layers, digests or diff IDs, in IMAGE or in a docker archive of it."""
    skopeo, layers = Skopeo(directory), open_image(image).layers
    expected = {f"oci:{image}": [layer.digest for layer in layers]}
    # Of an archive, skopeo tells the digests of the uncompressed layers.
    expected[f"docker-archive:{packed(image, directory, 'case:v1')}"] = [layer.diff_id for layer in layers]
    differences = []
    for reference, digests in expected.items():
        found = [layer["digest"] for layer in skopeo.manifest(reference)["layers"]]
        diff_ids = skopeo.config(reference)["rootfs"]["diff_ids"]
        if (found, diff_ids) != (digests, [layer.diff_id for layer in layers]):
            differences.append(f"{reference}: {found}, {diff_ids}")
    return ", ".join(differences)


def packed(image: str, directory: str, name: str) -> str:
    """Write IMAGE to DIRECTORY as a docker archive that is called NAME, and return its path."""
    path = f"{directory}/packed.tar"
    with open(path, "wb") as file:
        file.writelines(docker_archive.archive(open_image(image), [read_reference(name)]))
    return path


def _without_added(found: dict[str, str]) -> dict[str, str]:
    return {path: what for path, what in found.items() if path.partition("/")[0] not in ADDED}


@contextlib.contextmanager
def comparisons(names: list[str]) -> Iterator[dict[str, Compare]]:
    """Yield the comparisons with the programs of NAMES."""
    found: dict[str, Compare] = {"umoci": by_umoci, "podman": by_podman, "skopeo": by_skopeo}
    with contextlib.ExitStack() as stack:
        for name in names:
            if name in DOCKER_STORES:
                directory = stack.enter_context(daemon.scratch())
                found[name] = by_docker(stack.enter_context(docker.serve(directory, DOCKER_STORES[name])))
        yield {name: found[name] for name in names}


def compare(number: int, directory: str, programs: dict[str, Compare]) -> str:
    """Return "agrees", "refused", or what differs in case NUMBER. DIRECTORY is empty."""
    case = generated_children.generate(number)
    layers = [tar(members) for members in case.parent + case.child]
    images = {"layers": layout(directory, "layers", layers, gzipped)}
    try:
        merged = generated_children.merged(case, directory)
    except AssertionError as error:
        return str(error)
    if merged is not None:
        images |= dict(zip(("merged", "merged with --skip-existing"), merged))
        faults = generated_children.faults(case, merged[0])
        if difference := trees_differ(merged[0], tree(layer_tars(merged[1]))):
            faults.append(f"--skip-existing gives another tree: {difference}")
        if faults:
            return "; ".join(faults)
    for what, image in images.items():
        for name, program in programs.items():
            place = f"{directory}/{name}-{what.replace(' ', '-')}"
            os.mkdir(place)
            if difference := program(image, place):
                return f"{what}, {name}: {difference}"
    return "refused" if merged is None else "agrees"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    programs = ("umoci", "podman", "skopeo", *DOCKER_STORES)
    parser.add_argument("--cases", type=int, default=500, help="Compare this many cases (default %(default)s).")
    parser.add_argument("--first", type=int, default=0, help="Start with this case (default %(default)s).")
    parser.add_argument("--with", dest="programs", action="append", choices=programs, help="Ask this program, too.")
    parser.add_argument("--stop-after", type=int, default=20, help="Stop after so many faults (default %(default)s).")
    options = parser.parse_args()
    counts = {"agrees": 0, "refused": 0, "differs": 0}
    with comparisons(options.programs or []) as chosen:
        for number in range(options.first, options.first + options.cases):
            with daemon.scratch() as directory:
                result = compare(number, directory, chosen)
            if result not in counts:
                print(f"case {number}: {result}", flush=True)
            counts[result if result in counts else "differs"] += 1
            if counts["differs"] >= options.stop_after:
                break
    print(f"{sum(counts.values())} cases, {counts['differs']} faults ({counts['refused']} were refused)")
    return 1 if counts["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())

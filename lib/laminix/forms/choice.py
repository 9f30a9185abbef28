"""The selection of one image among several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laminix.errors import LaminixError
from laminix.images.image import Image
from laminix.images.platform import Platform, machine_platform
from laminix.images.reference import DEFAULT_TAG, Reference, qualified_name, split_tag

CANNOT_SELECT = "cannot select an image"


@dataclass(frozen=True)
class Candidate:
    """An image that has not been read yet."""

    references: tuple[Reference, ...]
    platform: Callable[[], Platform]  # reads the config if the form does not state the platform
    read: Callable[[], Image]


def choose(candidates: Sequence[Candidate], image: str | None, platform: Platform | None, place: str) -> Candidate:
    """Return the candidate selected by IMAGE (NAME[:TAG]) and PLATFORM (default this machine's if there are several).

    Raises LaminixError, listing the choices, if no candidate matches or more than one.
    """
    if image is not None:
        candidates = _named(candidates, image, place)
    else:
        _refuse_several_names(candidates, place)
    if platform is None and len(candidates) == 1:
        return candidates[0]
    return _on_platform(candidates, platform or machine_platform(), place)


def _named(candidates: Sequence[Candidate], image: str, place: str) -> list[Candidate]:
    name, tag = split_tag(image)
    found = [candidate for candidate in candidates if _has_name(candidate, name, tag)]
    if tag is None and _several_names(found):
        found = [candidate for candidate in found if _has_name(candidate, name, DEFAULT_TAG)]
    if not found:
        raise LaminixError(CANNOT_SELECT, f"no image {image!r}; found {_listed(candidates)}", place)
    return found


def _has_name(candidate: Candidate, name: str, tag: str | None) -> bool:
    return any(is_called(reference, name, tag) for reference in candidate.references)


def is_called(reference: Reference, name: str, tag: str | None) -> bool:
    """Return whether REFERENCE is NAME:TAG, or NAME with any tag if TAG is None.

    A reference without a name matches if its tag is TAG, or is NAME if TAG is None.
    """
    if not reference.name:
        return reference.tag == (name if tag is None else tag)
    return qualified_name(reference.name) == qualified_name(name) and tag in (None, reference.tag)


def _refuse_several_names(candidates: Sequence[Candidate], place: str) -> None:
    if _several_names(candidates):
        why = f"several images; choose one with --image: {_listed(candidates)}"
        raise LaminixError(CANNOT_SELECT, why, place)


def _several_names(candidates: Sequence[Candidate]) -> bool:
    return len({candidate.references for candidate in candidates}) > 1


def _listed(candidates: Sequence[Candidate]) -> str:
    names = [str(reference) for candidate in candidates for reference in candidate.references]
    unnamed = sum(not candidate.references for candidate in candidates)
    if unnamed:
        names.append(f"{unnamed} without a name")
    return ", ".join(dict.fromkeys(names))


def _on_platform(candidates: Sequence[Candidate], wanted: Platform, place: str) -> Candidate:
    offered = [(candidate.platform(), candidate) for candidate in candidates]
    found = _matching(offered, wanted)
    if len(found) == 1:
        return found[0]
    platforms = sorted({str(platform) or "one without a platform" for platform, _ in offered})
    if found and len(platforms) == 1:
        why = f"{len(found)} images have the same name and platform"
    else:
        problem = "several images" if found else "no image"
        why = f"{problem} for {wanted}; choose one with --platform: {', '.join(platforms)}"
    raise LaminixError(CANNOT_SELECT, why, place)


def _matching(offered: Sequence[tuple[Platform, Candidate]], wanted: Platform) -> list[Candidate]:
    """Return the candidates of the platform WANTED; if there are none and it has no variant, those of its family.

    Among these, candidates without a variant are preferred.
    """
    same = [(platform, candidate) for platform, candidate in offered if platform.same_machine(wanted)]
    if not same and not wanted.variant:
        same = [(platform, candidate) for platform, candidate in offered if platform.same_family(wanted)]
    plain = [(platform, candidate) for platform, candidate in same if not platform.variant]
    return [candidate for _, candidate in (plain or same)]

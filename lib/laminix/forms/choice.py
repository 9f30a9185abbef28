"""Which image is meant, where a form holds several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laminix.errors import LaminixError
from laminix.images.image import Image
from laminix.images.platform import Platform, machine_platform
from laminix.images.reference import DEFAULT_TAG, Reference, qualified_name, split_tag

BAD_CHOICE = "bad choice of image"


@dataclass(frozen=True)
class Candidate:
    """One image of a form, not read yet."""

    references: tuple[Reference, ...]
    platform: Callable[[], Platform]  # read from the image where its form does not say
    read: Callable[[], Image]


def choose(
    candidates: Sequence[Candidate], image: str | None, platform: Platform | None, place: str
) -> Candidate:
    """The candidate that IMAGE (NAME[:TAG]) and PLATFORM mean; an error says which there are."""
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
        raise LaminixError(BAD_CHOICE, f"no image {image!r}; there {_listed(candidates)}", place)
    return found


def _has_name(candidate: Candidate, name: str, tag: str | None) -> bool:
    """Whether the candidate is NAME:TAG, or NAME with any tag; one that has a tag alone is known by that."""
    return any(
        qualified_name(reference.name) == qualified_name(name) and tag in (None, reference.tag)
        if reference.name
        else reference.tag == (name if tag is None else tag)
        for reference in candidate.references
    )


def _refuse_several_names(candidates: Sequence[Candidate], place: str) -> None:
    if _several_names(candidates):
        raise LaminixError(BAD_CHOICE, f"several images, choose one by --image; there {_listed(candidates)}", place)


def _several_names(candidates: Sequence[Candidate]) -> bool:
    return len({candidate.references for candidate in candidates}) > 1


def _listed(candidates: Sequence[Candidate]) -> str:
    names = [str(reference) for candidate in candidates for reference in candidate.references]
    unnamed = sum(not candidate.references for candidate in candidates)
    if unnamed:
        names.append(f"{unnamed} without a name")
    return _are(list(dict.fromkeys(names)))


def _on_platform(candidates: Sequence[Candidate], wanted: Platform, place: str) -> Candidate:
    offered = [(candidate.platform(), candidate) for candidate in candidates]
    found = _matching(offered, wanted)
    if len(found) == 1:
        return found[0]
    platforms = sorted({str(platform) or "one without a platform" for platform, _ in offered})
    if found and len(platforms) == 1:
        why = f"{len(found)} images that neither name nor platform tells apart"
    else:
        problem = "several images" if found else "no image"
        why = f"{problem} for {wanted}, choose by --platform; there {_are(platforms)}"
    raise LaminixError(BAD_CHOICE, why, place)


def _matching(offered: Sequence[tuple[Platform, Candidate]], wanted: Platform) -> list[Candidate]:
    """Those of the same platform; failing that of its family; among equals the one without a variant."""
    same = [(platform, candidate) for platform, candidate in offered if platform.same_machine(wanted)]
    if not same and not wanted.variant:
        same = [(platform, candidate) for platform, candidate in offered if platform.same_family(wanted)]
    plain = [(platform, candidate) for platform, candidate in same if not platform.variant]
    return [candidate for _, candidate in (plain or same)]


def _are(names: Sequence[str]) -> str:
    return f"{'is' if len(names) == 1 else 'are'} {', '.join(names) or 'nothing'}"

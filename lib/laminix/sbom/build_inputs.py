"""What the components of a bill, and its subject, were built from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from laminix.sbom.bill import NO_META, Bill, BuildStep, Component
from laminix.sbom.meta import Meta
from laminix.store.derivation import Derivation


def with_build_inputs(
    bill: Bill, wanted: Sequence[str], derivations: Mapping[str, Derivation], meta: Mapping[str, Meta]
) -> Bill:
    """BILL with the builds of the derivations WANTED, and of all that they were built with.

    DERIVATIONS has them all, by path. A component that only a build needs is one of ``build_components``.
    """
    steps = tuple(_step(derivations[path], derivations) for path in sorted(derivations))
    known = {component.path for component in bill.components}
    digests = {
        _place(derivation, name): output.digest
        for derivation in derivations.values()
        for name, output in derivation.outputs.items()
    }
    needed = sorted({path for step in steps for path in step.inputs} - known)
    components = tuple(Component(path, digests.get(path), (), (), meta.get(path, NO_META)) for path in needed)
    described = known | set(needed)
    kept = (replace(step, outputs=tuple(path for path in step.outputs if path in described)) for step in steps)
    # What is wanted and no component, such as the image, is the subject.
    made = [step for step in kept if step.outputs or step.derivation in wanted]
    return replace(bill, build_components=components, build_steps=tuple(made))


def _step(derivation: Derivation, derivations: Mapping[str, Derivation]) -> BuildStep:
    used = [_place(derivations[path], name) for path, names in derivation.inputs.items() for name in names]
    outputs = [_place(derivation, name) for name in derivation.outputs]
    return BuildStep(derivation.path, tuple(sorted({*used, *derivation.sources})), tuple(sorted(outputs)))


def _place(derivation: Derivation, name: str) -> str:
    """The store path of an output; the derivation stands for one that only the build tells."""
    return derivation.outputs[name].path or derivation.path

"""What an image takes from its parent: config and history, as a Dockerfile's FROM does it."""

from typing import Any

from laminix.errors import LaminixError
from laminix.images.oci import Config
from laminix.images.platform import Platform

MODES = ("all", "env", "none")

# Fields of ``config`` that are sets or maps: the child adds to them.  Env is a list, but works like one.
UNITED = ("ExposedPorts", "Volumes", "Labels")

# What stands in a config for the platform; it comes from the parent whatever is inherited.
PLATFORM_KEYS = ("architecture", "os", "variant", "os.version", "os.features")

# What tells how the parent itself was built, or whose child it is; nothing that a child could inherit.
OF_THE_PARENT_ALONE = frozenset(
    "id parent parent_id layer_id container container_config docker_version throwaway Size checksum".split()
)
JOINED = frozenset((*PLATFORM_KEYS, "config", "rootfs", "history", "created"))


def inherit(parent: Config, child: Config, mode: str = "all") -> Config:
    """The config of CHILD with the layers of PARENT below its own.

    MODE is one of MODES: inherit all of the parent's settings, its environment, or none; diff IDs,
    history and platform are always joined.  Unknown fields are kept.  Raises LaminixError where the
    platforms contradict each other, and where a history has more entries than there are layers.
    """
    check_platforms(parent.platform, child.platform)
    document = {
        **({"created": child.created} if child.created else {}),
        **_platform(parent, child),
        "config": runtime(parent.runtime, child.runtime, mode),
        "rootfs": {"type": "layers", "diff_ids": [*parent.diff_ids, *child.diff_ids]},
        "history": [*full_history(parent, "parent"), *full_history(child, "image")],
    }
    inherited = _others(parent) if mode == "all" else {}
    return Config(document | inherited | _others(child))


def _others(config: Config) -> dict[str, Any]:
    """The author, and the fields that nobody here knows."""
    foreign = JOINED | OF_THE_PARENT_ALONE
    return {key: value for key, value in config.raw.items() if key not in foreign and value is not None}


def check_platforms(parent: Platform, child: Platform) -> None:
    """Raises LaminixError where both say what they run on, and say it differently."""
    for name in ("os", "architecture", "variant"):
        ours, theirs = getattr(child, name), getattr(parent, name)
        if ours and theirs and ours != theirs and not parent.same_machine(child):
            why = f"the parent is for {parent}, the image on it for {child}; build both for one"
            raise LaminixError("platforms contradict each other", why)


def _platform(parent: Config, child: Config) -> dict[str, Any]:
    """The platform's fields: the parent's where it says anything, else the child's."""
    pairs = ((key, parent.raw.get(key) or child.raw.get(key)) for key in PLATFORM_KEYS)
    return {key: value for key, value in pairs if value}


def runtime(parent: dict[str, Any], child: dict[str, Any], mode: str = "all") -> dict[str, Any]:
    """The ``config`` object that CHILD has on PARENT.

    Empty text and null set nothing; an empty Entrypoint or Cmd does, as in a Dockerfile.  OnBuild's
    triggers wait for a Dockerfile and have not run here, so they stay.
    """
    if mode == "none":
        return dict(child)
    if mode == "env":
        parent = {"Env": parent.get("Env")}
    ours = {key: value for key, value in child.items() if value not in (None, "")}
    theirs = {key: value for key, value in parent.items() if value is not None}
    if "Entrypoint" in ours:
        theirs.pop("Cmd", None)  # it was meant for the parent's entrypoint
    merged = theirs | ours
    for key in UNITED:
        if key in merged:
            merged[key] = {**theirs.get(key, {}), **ours.get(key, {})}
    if "Env" in merged:
        merged["Env"] = environment(theirs.get("Env", []), ours.get("Env", []))
    return merged


def environment(parent: list[str], child: list[str]) -> list[str]:
    """Both lists of NAME=VALUE as one: a variable stands where it was first set, with its last value."""
    variables: dict[str, str] = {}
    for variable in [*parent, *child]:
        variables[variable.partition("=")[0]] = variable
    return list(variables.values())


def full_history(config: Config, whose: str) -> list[dict[str, Any]]:
    """The history with an entry for every layer, blank ones added at its end where there are too few.

    Raises LaminixError where there are too many: then nobody knows which layer they belong to.
    """
    entries = list(config.history)
    layers = len(config.diff_ids)
    described = sum(not entry.get("empty_layer") for entry in entries)
    if described > layers:
        why = f"the {whose}'s has {described} entries with a layer, but there are {layers} layers"
        raise LaminixError("bad history", why)
    return entries + [{}] * (layers - described)

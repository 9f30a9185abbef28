"""Inheritance of config and history from a parent image, with the rules of FROM in a Dockerfile."""

from typing import Any

from laminix.errors import LaminixError
from laminix.images.oci import Config
from laminix.images.platform import Platform

MODES = ("all", "env", "none")

# Fields of ``config`` that are sets or maps, to which the child adds. Env is a list, but is merged by variable too.
UNION_FIELDS = ("ExposedPorts", "Volumes", "Labels")

# The platform in a config. It comes from the parent in every mode.
PLATFORM_FIELDS = ("architecture", "os", "variant", "os.version", "os.features")

# Fields of old images that describe how the parent itself was built.
NOT_INHERITED = frozenset(
    "id parent parent_id layer_id container container_config docker_version throwaway Size checksum".split()
)
MERGED_FIELDS = frozenset((*PLATFORM_FIELDS, "config", "rootfs", "history", "created"))


def inherit(parent: Config, child: Config, mode: str = "all") -> Config:
    """Return the config of CHILD with the layers of PARENT below its own.

    MODE is one of MODES: inherit all of the parent's settings, only its environment, or none. Diff IDs, history and
    platform are merged in every mode, and unknown fields are kept. Raises LaminixError if the platforms disagree,
    or if a history has more entries than its image has layers.
    """
    check_platforms(parent.platform, child.platform)
    document = {
        **({"created": child.created} if child.created else {}),
        **_platform(parent, child),
        "config": runtime(parent.runtime, child.runtime, mode),
        "rootfs": {"type": "layers", "diff_ids": [*parent.diff_ids, *child.diff_ids]},
        "history": [*full_history(parent, "parent"), *full_history(child, "image")],
    }
    inherited = _other_fields(parent) if mode == "all" else {}
    return Config(document | inherited | _other_fields(child))


def _other_fields(config: Config) -> dict[str, Any]:
    """Return the author and all unknown fields."""
    excluded = MERGED_FIELDS | NOT_INHERITED
    return {key: value for key, value in config.raw.items() if key not in excluded and value is not None}


def check_platforms(parent: Platform, child: Platform) -> None:
    """Raises LaminixError if a part of the platform is set in both and differs."""
    for name in ("os", "architecture", "variant"):
        of_child, of_parent = getattr(child, name), getattr(parent, name)
        if of_child and of_parent and of_child != of_parent and not parent.same_machine(child):
            why = f"the parent is for {parent}, the image for {child}; build both for the same platform"
            raise LaminixError("platforms disagree", why)


def _platform(parent: Config, child: Config) -> dict[str, Any]:
    """Return the platform's fields, each from the parent if set there, else from the child."""
    pairs = ((key, parent.raw.get(key) or child.raw.get(key)) for key in PLATFORM_FIELDS)
    return {key: value for key, value in pairs if value}


def runtime(parent: dict[str, Any], child: dict[str, Any], mode: str = "all") -> dict[str, Any]:
    """Return the merged ``config`` object of CHILD on PARENT.

    The child's empty strings and nulls do not replace the parent's values; an empty Entrypoint or Cmd does, as in a
    Dockerfile. OnBuild triggers are kept, because they run only when a Dockerfile is built.
    """
    if mode == "none":
        return dict(child)
    if mode == "env":
        parent = {"Env": parent.get("Env")}
    own = {key: value for key, value in child.items() if value not in (None, "")}
    inherited = {key: value for key, value in parent.items() if value is not None}
    if "Entrypoint" in own:
        inherited.pop("Cmd", None)  # its arguments are for the parent's entrypoint
    merged = inherited | own
    for key in UNION_FIELDS:
        if key in merged:
            merged[key] = {**inherited.get(key, {}), **own.get(key, {})}
    if "Env" in merged:
        merged["Env"] = environment(inherited.get("Env", []), own.get("Env", []))
    return merged


def environment(parent: list[str], child: list[str]) -> list[str]:
    """Return both lists of NAME=VALUE merged. Variables keep the order of their first value and get their last."""
    variables: dict[str, str] = {}
    for variable in [*parent, *child]:
        variables[variable.partition("=")[0]] = variable
    return list(variables.values())


def full_history(config: Config, image: str) -> list[dict[str, Any]]:
    """Return the history with an entry for every layer; missing entries are added at the end as empty objects.

    Raises LaminixError, which names IMAGE, if there are too many entries, because they cannot be matched to layers.
    """
    entries = list(config.history)
    layers = len(config.diff_ids)
    described = sum(not entry.get("empty_layer") for entry in entries)
    if described > layers:
        why = f"the {image} has {described} history entries for layers, but only {layers} layers"
        raise LaminixError("bad history", why)
    return entries + [{}] * (layers - described)

"""What podman and buildah share: their configuration."""

import resource

CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1024:{nofile}", "nproc=1024:{nproc}"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""

STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{0}/root"
runroot = "{0}/run"
"""


def configure(directory: str) -> dict[str, str]:
    """The environment for either program, with a configuration file written to DIRECTORY.

    The limits of a container are lifted no further than ours: root in a container may not lift them.
    """
    path = f"{directory}/containers.conf"
    limits = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    hard = {name: resource.getrlimit(limit)[1] for name, limit in limits.items()}
    with open(path, "w", encoding="ascii") as file:
        file.write(CONTAINERS_CONF.format(**hard))
    return {"CONTAINERS_CONF": path, "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}


def environment(directory: str) -> dict[str, str]:
    """The same for whoever calls them without options: their store is in DIRECTORY too."""
    path = f"{directory}/storage.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write(STORAGE_CONF.format(directory))
    return {**configure(directory), "CONTAINERS_STORAGE_CONF": path}

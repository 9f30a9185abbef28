"""What podman and buildah share: their configuration."""

import resource

CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1024:{nofile}", "nproc=1024:{nproc}"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
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

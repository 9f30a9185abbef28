"""Namespaces in which an engine runs, so that nothing of it outlives it."""

# What stands before a command: its mounts, and all that it starts (monitors, shims, containers), end
# with it, also when it is killed; and when we are killed, it is.
ISOLATED = (
    "setpriv --pdeathsig KILL" " unshare --mount --propagation slave --pid --fork --kill-child --mount-proc"
).split()

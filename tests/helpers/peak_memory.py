"""How much memory a program takes."""

import subprocess
import sys


def peak_memory(argv: list) -> int:
    """The most memory that the program ARGV held at once, in bytes."""
    # A process in between has no other children.  Its own memory is small: a child starts as its copy.
    script = """if True:
        import resource, subprocess, sys
        subprocess.run(sys.argv[1:], check=True)
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    """
    done = subprocess.run([sys.executable, "-I", "-c", script, *argv], capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)

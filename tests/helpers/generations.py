"""Three generations of images: the files and variables of the parent, and the output that the grandchild prints."""

from dataclasses import dataclass
from pathlib import Path

from file_trees import DIRECTORY, busybox, tar
from image_forms import Image

# Every generation adds a file to /generation, removes one from /old and sets two variables.  The script shows
# all files and variables.
SCRIPT = 'cat /generation/*; ls /old; echo "$PARENT $CHILD $GRANDCHILD $LAST"'
EXPECTED = "child\ngrandchild\nparent\nfor-nobody\n1 1 1 grandchild\n"  # of the grandchild
CONFIG = {"Env": ["PATH=/bin", "PARENT=1", "LAST=parent"], "Cmd": ["/bin/sh", "-c", SCRIPT]}

OLD = {f"old/for-{who}": b"" for who in ("parent", "child", "grandchild", "nobody")}
GROUND = {**busybox(), "generation": DIRECTORY, "old": DIRECTORY, **OLD}
PARENT = {"generation/parent": b"parent\n", "old/.wh.for-parent": b""}


@dataclass(frozen=True)
class Parent:
    """A parent image on disk: its path, and what the images built on it must inherit."""

    path: Path
    diff_ids: list[str]
    steps: list[str]  # created_by of each history entry, oldest first
    choice: str | None = None  # NAME:TAG of the image to take, where PATH holds several

    def chosen(self, option: str) -> tuple[str, ...]:
        """OPTION with the choice, or nothing where there is none to make."""
        return (option, self.choice) if self.choice else ()


def image(*more: bytes, **others) -> Image:
    """The parent's two layers, followed by MORE layers."""
    return Image((tar(GROUND), tar(PARENT), *more), CONFIG, **others)


STEPS = image(
    history=(
        {"created_by": "ADD ground"},
        {"created_by": "ENV PARENT=1", "empty_layer": True},
        {"created_by": "ADD parent", "comment": "the second layer"},
        {"created_by": "CMD", "empty_layer": True},
    )
)

"""What the images of the story hold: files and variables of each generation, and what each hides."""

from dataclasses import dataclass
from pathlib import Path

from members import DIRECTORY, busybox, tar
from parents import Image

# What every generation's container does: it shows the files of all of them, what they have hidden of
# those before, and the variables of all.
SCRIPT = 'cat /generation/*; ls /old; echo "$PARENT $CHILD $GRANDCHILD $LAST"'
EXPECTED = "child\ngrandchild\nparent\nfor-nobody\n1 1 1 grandchild\n"  # of the grandchild
CONFIG = {"Env": ["PATH=/bin", "PARENT=1", "LAST=parent"], "Cmd": ["/bin/sh", "-c", SCRIPT]}

OLD = {f"old/for-{who}": b"" for who in ("parent", "child", "grandchild", "nobody")}
GROUND = {**busybox(), "generation": DIRECTORY, "old": DIRECTORY, **OLD}
PARENT = {"generation/parent": b"parent\n", "old/.wh.for-parent": b""}


@dataclass(frozen=True)
class Parent:
    """An image somewhere, and what it is."""

    path: Path
    diff_ids: list[str]
    steps: list[str]  # what made it, empty steps included, oldest first
    choice: str | None = None  # which of the images in it, NAME:TAG

    def chosen(self, option: str) -> tuple[str, ...]:
        """The OPTION that chooses it, where there is a choice."""
        return (option, self.choice) if self.choice else ()


def image(*more: bytes, **others) -> Image:
    """An image of two layers, and MORE of them."""
    return Image((tar(GROUND), tar(PARENT), *more), CONFIG, **others)


STEPS = image(
    history=(
        {"created_by": "ADD ground"},
        {"created_by": "ENV PARENT=1", "empty_layer": True},
        {"created_by": "ADD parent", "comment": "the second layer"},
        {"created_by": "CMD", "empty_layer": True},
    )
)

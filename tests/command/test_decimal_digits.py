"""Numbers of thousands of digits, at every place where a stranger can write one: one line, or the right result."""

import pytest

from error_line import error_line
from laminix.decimal_digits import number_up_to
from laminix.errors import LaminixError
from laminix.registry.connection import LONGEST_WAIT, retry_wait
from laminix.root_step.user import find_user

HUGE = "9" * 5000
PASSWD = f"huge:x:{HUGE}:0::/:\nzeros:x:{'0' * 5000}7:0::/home:\n"


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("64", 64), ("65", None), ("", None), ("-1", None), ("+1", None), ("1_0", None), ("٣", None)],
)
def test_number(text, number):
    assert number_up_to(64, text) == number


def test_thousands_of_digits():
    assert number_up_to(64, HUGE) is None
    assert number_up_to(64, "0" * 5000 + "7") == 7


@pytest.mark.parametrize(("key", "said"), [("User", "config.User: found 999"), ("StopSignal", "unknown signal '999")])
def test_in_a_config(builder, tmp_path, key, said):
    (tmp_path / "config.json").write_text(f'{{"{key}": "{HUGE}"}}')
    done = builder("mk-config", "--config", tmp_path / "config.json", "--out", tmp_path / "out")
    assert said in error_line(done, "mk-config")


def test_in_a_database_of_fakeroot(builder, tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "database").write_text(f"dev=1,ino={HUGE},mode=100644,uid=1,gid=1,nlink=1,rdev=0\n")
    options = ("--tree", tmp_path / "tree", "--fakeroot-database", tmp_path / "database", "--out", tmp_path / "out")
    assert "bad fakeroot database: line 1" in error_line(builder("mk-perms", *options), "mk-perms")


def test_in_the_users_of_an_image():
    user = find_user("zeros", lambda path: PASSWD if path == "/etc/passwd" else "")
    assert (user.ids.users.real, user.home) == (7, "/home")
    for name in (HUGE, "huge", f"0:{HUGE}"):
        with pytest.raises(LaminixError, match="bad user"):
            find_user(name, lambda path: PASSWD if path == "/etc/passwd" else "")


def test_in_an_answer_of_a_registry():
    assert retry_wait(1, HUGE) == LONGEST_WAIT
    assert retry_wait(1, "3") == 3

"""run-layer: what a command does as root of a tree, and the layer of it."""

import json
import resource
import subprocess
import tarfile

import pytest

from file_trees import BUSYBOX, DIRECTORY, Link, busybox
from image_maker import ImageMaker
from layer_files import content, layer_json, members, names

SHELL = ("--", "/bin/busybox", "sh", "-e", "-c")
APPLETS = {f"bin/{name}": Link("busybox") for name in ("chgrp", "chown", "chmod", "cp", "mkdir", "mknod", "mv")}
APPLETS |= {f"bin/{name}": Link("busybox") for name in ("ln", "nc", "rmdir", "sleep", "stat", "su", "tar", "touch")}
BASE = {
    **busybox(),
    **APPLETS,
    "etc": DIRECTORY,
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n",
    "etc/group": b"root:x:0:\nusers:x:100:\nstaff:x:50:ann\n",
    "etc/motd": b"good morning\n",
    "srv": DIRECTORY,
    "srv/www": DIRECTORY,
    "srv/www/index": b"page",
    "srv/www/other": b"page two",
    "etc/alias": Link("motd"),
}


@pytest.fixture(scope="module")
def maker(builder, tmp_path_factory) -> ImageMaker:
    return ImageMaker(builder, tmp_path_factory.mktemp("maker"))


@pytest.fixture(scope="module")
def image(maker):
    config = {"Env": ["PATH=/bin", "COLOUR=green"], "WorkingDir": "/srv"}
    return maker.image("base", config, maker.layer("base", BASE))


@pytest.fixture(scope="module")
def parent(maker, image):
    return maker.build("unpacked", "unpack-image", image)


@pytest.fixture
def step(builder, parent, tmp_path):
    """``step(SCRIPT, …)``: the layer directory of SCRIPT on the parent, and what the script printed."""

    def run(script: str, *options: object, parent=parent):
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        done = builder("run-layer", "--parent", parent, *options, "--out", out, *SHELL, script)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        return out, done.stderr

    return run


@pytest.fixture
def failure(builder, parent, tmp_path):
    """``failure(OPTION…)``: the last line that run-layer prints; it has to leave nothing behind."""

    def run(*options: object, parent=parent, status=1):
        before = sorted(tmp_path.iterdir())
        done = builder("run-layer", "--parent", parent, "--out", tmp_path / "out", *options)
        assert (done.returncode, done.stdout, sorted(tmp_path.iterdir())) == (status, "", before)
        return done.stderr.splitlines()[-1]

    return run


def test_relative_paths_are_found(builder, maker, parent):
    lower = maker.layer("lower", {"lower": b"below\n"})
    argv = ("--parent", parent.name, "--layer", lower.name, "--out", "upper", *SHELL, "cat /lower")
    done = builder("run-layer", *argv, cwd=maker.directory)
    assert (done.returncode, done.stderr) == (0, "below\n")


def described(layer) -> dict[str, tuple]:
    """The entries of a layer: type, mode, owner and group; for links the target too."""
    return {
        name: (info.type, oct(info.mode), info.uid, info.gid, *([info.linkname] if info.linkname else []))
        for name, info in members(layer).items()
    }


def test_a_directory_of_the_parent_that_changes_is_explicit(step):
    layer, _ = step("chmod 700 /srv; touch /etc/new; mkdir /d")
    assert names(layer) == ["d/", "etc/", "etc/new", "srv/"]
    assert [name for name, member in members(layer).items() if member.pax_headers] == ["srv/"]


def test_owners_and_modes_are_in_the_layer_as_the_command_set_them(step):
    layer, _ = step(
        "echo x > /new; chown 5:6 /new; chmod 4755 /new; mkdir -m 1777 /drop; ln -s new /link; chown -h 7 /link"
    )
    assert described(layer) == {
        "drop/": (tarfile.DIRTYPE, "0o1777", 0, 0),
        "link": (tarfile.SYMTYPE, "0o777", 7, 0, "new"),
        "new": (tarfile.REGTYPE, "0o4755", 5, 6),
    }
    assert content(layer, "new") == b"x\n"


def test_a_file_of_the_parent_changes_hands_without_being_written(step):
    layer, _ = step("chown 33:34 /etc/motd; chmod 600 /srv/www/index")
    assert described(layer) == {
        "etc/": (tarfile.DIRTYPE, "0o755", 0, 0),
        "etc/motd": (tarfile.REGTYPE, "0o644", 33, 34),
        "srv/": (tarfile.DIRTYPE, "0o755", 0, 0),
        "srv/www/": (tarfile.DIRTYPE, "0o755", 0, 0),
        "srv/www/index": (tarfile.REGTYPE, "0o600", 0, 0),
    }
    assert content(layer, "etc/motd") == b"good morning\n"


def test_programs_see_what_was_set(step):
    _, printed = step("touch /f; chown 5:6 /f; chmod 6711 /f; stat -c '%u %g %a' /f; cd /; stat -c '%u %a' f etc/motd")
    assert printed == "5 6 6711\n5 6711\n0 644\n"


@pytest.mark.parametrize(
    "script",
    [
        "true",
        "touch /a; rm /a",
        "echo 'good morning' > /etc/motd",
        "chown 5 /etc/motd; chown 0 /etc/motd",
        "chmod 755 /etc/motd; chmod 644 /etc/motd",
        "rm /etc/motd; echo 'good morning' > /etc/motd",
        "mv /etc/motd /etc/m; mv /etc/m /etc/motd",
        "rm -r /srv/www; mkdir /srv/www; echo -n page > /srv/www/index; echo -n 'page two' > /srv/www/other",
        "rm /etc/alias; ln -s motd /etc/alias",
        "echo x > /tmp/x; echo y > /dev/shm/y",
    ],
)
def test_what_ends_as_it_was_is_not_in_the_layer(step, script):
    layer, _ = step(script)
    assert names(layer) == []


def test_sockets_are_dropped(step):
    make = "import socket; socket.socket(socket.AF_UNIX).bind('/socket')"
    host = [word for path in ("/usr", "/lib", "/lib64") for word in ("--bind", path)]
    layer, _ = step(f'/usr/bin/python3 -Sc "{make}"; test -S /socket; touch /file', *host)
    assert names(layer) == ["file"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("rm /etc/motd", ["etc/", "etc/.wh.motd"]),
        ("rm -r /srv/www", ["srv/", "srv/.wh.www"]),
        ("rm -r /srv/www; mkdir /srv/www", ["srv/", "srv/www/", "srv/www/.wh..wh..opq"]),
        ("rm -r /srv/www; mkdir /srv/www; touch /srv/www/x", ["srv/", "srv/www/", "srv/www/.wh..wh..opq", "srv/www/x"]),
        ("rm -r /srv/www; touch /srv/www", ["srv/", "srv/www"]),
        ("rm /etc/alias; mkdir /etc/alias; touch /etc/alias/x", ["etc/", "etc/alias/", "etc/alias/x"]),
        ("mv /srv/www /srv/old", ["srv/", "srv/.wh.www", "srv/old/", "srv/old/index", "srv/old/other"]),
        ("mkdir /b /a; touch /b/z /b/a; mkfifo /a/p", ["a/", "a/p", "b/", "b/a", "b/z"]),
        ("touch /new /srv/new; rm /srv/new", ["new"]),
    ],
)
def test_the_entries_of_a_change(step, script, expected):
    layer, _ = step(script.replace("mkfifo", "/bin/busybox mkfifo"))
    assert names(layer) == expected


@pytest.mark.parametrize("name", [".wh.motd", ".wh..wh..opq", ".wh."])
def test_names_of_whiteouts_are_refused(failure, name):
    assert failure(*SHELL, f"touch /srv/{name}") == (
        "run-layer: error: cannot pack: names that start with '.wh.' are reserved for whiteouts;"
        f" let the command remove the file (srv/{name})"
    )


def test_directories_a_thousand_levels_deep(step):
    layer, _ = step("cd /; i=0; while [ $i -lt 1100 ]; do mkdir d; cd d; i=$((i+1)); done; touch f")
    found = names(layer)
    assert (len(found), found[0], found[-1]) == (1101, "d/", "d/" * 1100 + "f")


def test_hard_links_stay_links_of_the_first_name(step):
    layer, _ = step("echo x > /z; ln /z /a; ln /etc/motd /etc/also")
    assert described(layer) == {
        "a": (tarfile.REGTYPE, "0o644", 0, 0),
        "etc/": (tarfile.DIRTYPE, "0o755", 0, 0),
        "etc/also": (tarfile.REGTYPE, "0o644", 0, 0),
        "z": (tarfile.LNKTYPE, "0o644", 0, 0, "a"),
    }


def test_device_nodes_are_refused_unless_asked_for(step, failure):
    assert failure(*SHELL, "mknod /disk b 8 1") == (
        "run-layer: error: cannot pack: found a device node, which most engines refuse;"
        " remove it, or ask for device nodes with --devices (disk)"
    )
    layer, printed = step("mknod -m 640 /disk b 8 1; chown 0:6 /disk; stat -c '%F %t %T' /disk", "--devices")
    assert printed == "block special file 8 1\n"
    info = members(layer)["disk"]
    assert (info.type, info.mode, info.gid, info.devmajor, info.devminor) == (tarfile.BLKTYPE, 0o640, 6, 8, 1)


def test_a_user_that_root_becomes_owns_what_it_makes(step):
    layer, printed = step("mkdir -m 777 /drop; su ann -c 'id -u; id -g; touch /drop/hers; mkdir /drop/deep'")
    assert printed == "1000\n100\n"
    assert described(layer) == {
        "drop/": (tarfile.DIRTYPE, "0o777", 0, 0),
        "drop/deep/": (tarfile.DIRTYPE, "0o755", 1000, 100),
        "drop/hers": (tarfile.REGTYPE, "0o644", 1000, 100),
    }


def test_what_is_made_in_a_setgid_directory_has_its_group(step):
    layer, _ = step("mkdir /team; chgrp 50 /team; chmod 2775 /team; touch /team/f; mkdir /team/d; touch /team/d/g")
    assert {(info.gid, oct(info.mode)) for info in members(layer).values()} == {
        (50, "0o2775"),
        (50, "0o2755"),
        (50, "0o644"),
    }


def test_the_command_runs_as_the_user_asked_for(step):
    _, printed = step("id; echo $HOME", "--user", "ann")
    assert printed == "uid=1000(ann) gid=100(users) groups=50(staff),100(users)\n/home/ann\n"


def test_the_environment_is_the_images_and_the_directory_too(step):
    _, printed = step("env | sort; pwd", "--env", "SIZE=large")
    expected = "COLOUR=green\nHOME=/root\nPATH=/bin\nPWD=/srv\nSHLVL=1\nSIZE=large\nSOURCE_DATE_EPOCH=1\n/srv\n"
    assert printed == expected
    _, printed = step("pwd", "--workdir", "/etc")
    assert printed == "/etc\n"


def test_the_limit_of_open_files_is_the_callers(step):
    """Programs that go through all descriptors would take long with the tracer's."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert step("ulimit -n")[1] == f"{soft}\n"


def test_the_layer_says_what_ran(step):
    layer, _ = step("echo /nix/store/00000000000000000000000000000000-hello >/dev/null")
    said = "run-layer: /bin/busybox sh -e -c 'echo /nix/store/hello >/dev/null'"
    assert layer_json(layer)["history"] == {"created_by": said, "comment": ""}
    assert layer_json(layer)["recipe"] is None and layer_json(layer)["storePaths"] == []


def test_layers_lie_on_the_parent(step, maker):
    upper = maker.layer(
        "upper", {"etc": DIRECTORY, "etc/motd": b"evening"}, "--remove", "srv/www", "--remove", "bin/ls"
    )
    first, printed = step(
        "cat /etc/motd; ls /srv; test ! -e /bin/ls || echo there; touch /srv/new; chown 9 /srv/new", "--layer", upper
    )
    assert printed == "evening"
    second, printed = step("stat -c '%n %u' /srv/*; rm /srv/new; mkdir /srv/www", "--layer", upper, "--layer", first)
    assert printed == "/srv/new 9\n"
    assert names(second) == ["srv/", "srv/.wh.new", "srv/www/"]


def test_a_parent_of_any_form_gives_the_same_layer(step, maker, image):
    script = "chown 5 /etc/motd; rm /srv/www/index"
    archive = maker.packed(image, "docker-archive")
    layers = [step(script, parent=form)[0] for form in (image, archive)]
    assert {(layer / "layer.tar").read_bytes() for layer in layers} == {(step(script)[0] / "layer.tar").read_bytes()}


def test_files_in_tmp_can_be_kept(step):
    script = "test ! -e /tmp; mkdir /tmp; chmod 1777 /tmp; echo kept > /tmp/file"
    layer, _ = step(script, "--keep-tmp")
    assert described(layer) == {
        "tmp/": (tarfile.DIRTYPE, "0o1777", 0, 0),
        "tmp/file": (tarfile.REGTYPE, "0o644", 0, 0),
    }


def test_links_of_layers_on_the_parent_are_there(step, maker):
    links = maker.layer(
        "links", {"etc": DIRECTORY, "etc/new": Link("motd"), "srv": DIRECTORY, "srv/www": Link("../etc")}
    )
    layer, printed = step("cat /etc/new /srv/www/motd; rm /etc/new; chown -h 5 /srv/www", "--layer", links)
    assert printed == "good morning\n" * 2
    assert described(layer)["srv/www"] == (tarfile.SYMTYPE, "0o777", 5, 0, "../etc")
    assert "etc/.wh.new" in names(layer)


def test_there_need_be_no_parent(builder, tmp_path):
    options = ("--bind", f"{BUSYBOX}:/sh", "--", "/sh", "-c", "echo hello > /greeting")
    done = builder("run-layer", "--out", tmp_path / "layer", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(tmp_path / "layer") == ["greeting"]


@pytest.mark.parametrize("place", ["/tmp/deep/tool", "/dev/shm/tool", "/etc/motd"])
def test_a_bind_may_go_anywhere(step, tmp_path, place):
    (tmp_path / "tool").write_text("a tool\n")
    layer, printed = step(f"cat {place}", "--bind", f"{tmp_path}/tool:{place}")
    assert (names(layer), printed) == ([], "a tool\n")


def test_binds_are_seen_and_cannot_be_written(step, tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "tool").write_text("a tool\n")
    script = "cat /opt/tools/tool; ! echo x 2>/dev/null > /opt/tools/x; touch /opt/other"
    layer, printed = step(script, "--bind", f"{tmp_path}/tools:/opt/tools")
    assert printed == "a tool\n"
    assert names(layer) == ["opt/", "opt/other"]


@pytest.mark.parametrize(("head", "expected"), [("", "/bin/sh"), ("#!/bin/busybox ash\n", "/bin/busybox")])
def test_a_script_runs_by_the_interpreter_that_it_names(builder, parent, tmp_path, head, expected):
    script = tmp_path / "script"
    script.write_text(f"{head}tr '\\0' ' ' < /proc/$$/cmdline | /bin/busybox cut -d ' ' -f 1 >&2\ntouch /made\n")
    done = builder("run-layer", "--parent", parent, "--script", script, "--out", tmp_path / "layer")
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "layer") == ["made"]


def test_names_that_are_not_utf_8_and_sparse_files_are_packed(step):
    layer, _ = step(r"touch $(printf '/a\377b'); /bin/busybox dd if=/dev/zero of=/big bs=1 count=0 seek=3M 2>/dev/null")
    assert names(layer) == ["a\udcffb", "big"]
    assert members(layer)["big"].size == 3 << 20


def test_a_background_process_neither_hangs_nor_outlives_the_step(step):
    layer, _ = step("(sleep 1000; touch /late) & touch /now")
    assert names(layer) == ["now"]
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 1000" not in running


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("echo 'no luck' >&2; exit 3", "the command failed: exit status 3 (/bin/busybox)"),
        ("kill -9 $$", "the command failed: killed by signal 9 (SIGKILL) (/bin/busybox)"),
    ],
)
def test_a_command_that_fails_is_told_in_one_line(failure, command, why):
    assert failure(*SHELL, command) == f"run-layer: error: {why}"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--user", "bob", "--", "true"), "bad user: 'bob' is not in /etc/passwd, and no number from 0 to 4294967294"),
        (("--user", "0:bobs", "--", "true"), "bad user: the group 'bobs' is not in /etc/group, and no number"),
        (("--bind", "/no/such", "--", "true"), "cannot bind: no such file or directory (/no/such)"),
        (("--env", "X", "--", "true"), "bad --env: found 'X', expected NAME=VALUE"),
        ((), "bad usage: expected either a COMMAND or --script (see run-layer --help)"),
    ],
)
def test_faulty_options_are_told_in_one_line(failure, options, why):
    status = 2 if why.startswith(("bad --env", "bad usage")) else 1
    assert failure(*options, status=status).startswith(f"run-layer: error: {why}")


def test_a_damaged_list_is_told(failure, parent, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    document = json.loads((parent / "unpacked.json").read_bytes())
    document["entries"][0] = ["bin"]
    (damaged / "unpacked.json").write_text(json.dumps(document))
    assert "bad unpacked image: its list is damaged" in failure("--", "true", parent=damaged)


def test_equal_files_of_an_optimised_store_keep_their_owners(builder, maker, tmp_path):
    """Nix can make equal files hard links of each other, whatever the list says of them."""
    rules = tmp_path / "perms.json"
    rules.write_text(json.dumps([{"path": "a", "uid": 5}, {"path": "b", "uid": 6, "mode": "0600"}]))
    files = {**busybox(), "bin/stat": Link("busybox"), "bin/chown": Link("busybox"), "a": b"same", "b": b"same"}
    unpacked = maker.build(
        "twins", "unpack-image", maker.image("twins", {}, maker.layer("twins", files, "--perms", str(rules)))
    )
    (unpacked / "tree" / "b").unlink()
    (unpacked / "tree" / "b").hardlink_to(unpacked / "tree" / "a")
    command = (*SHELL[1:], "stat -c '%u %a' /a /b; chown 7 /a; stat -c %u /b")
    done = builder("run-layer", "--parent", unpacked, "--out", tmp_path / "layer", "--env", "PATH=/bin", "--", *command)
    assert (done.returncode, done.stderr) == (0, "5 644\n6 600\n6\n")
    assert described(tmp_path / "layer") == {"a": (tarfile.REGTYPE, "0o644", 7, 0)}


def test_a_parent_may_have_127_layers(builder, maker, tmp_path):
    """An engine makes no more; overlayfs itself would take a long list of options for them."""
    layers = [maker.layer("many-0", busybox())]
    layers += [maker.layer(f"many-{n}", {"d": DIRECTORY, f"d/{n}": b"x", "last": b"%d" % n}) for n in range(1, 125)]
    image = maker.image("many", {"Env": ["PATH=/bin"]}, *layers)
    more = [maker.layer(f"many-{n}", {"d": DIRECTORY, f"d/{n}": b"x", "last": b"%d" % n}) for n in range(125, 127)]
    options = [word for layer in more for word in ("--layer", layer)]
    script = "set -- /d/*; echo $#; cat /last; rm /d/1"
    done = builder("run-layer", "--parent", image, *options, "--out", tmp_path / "layer", *SHELL, script)
    assert (done.returncode, done.stderr) == (0, "126\n126")
    assert names(tmp_path / "layer") == ["d/", "d/.wh.1"]


def test_the_parent_may_be_on_another_file_system(step, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/dev/shm")
    layer, printed = step(
        "chown 5 /etc/motd; echo x >> /etc/passwd; chown 6 /etc/passwd /srv; stat -c %u /etc/motd /etc/passwd /srv"
    )
    assert printed == "5\n6\n6\n"
    assert [(name, info.uid) for name, info in members(layer).items()] == [
        ("etc/", 0),
        ("etc/motd", 5),
        ("etc/passwd", 6),
        ("srv/", 6),
    ]

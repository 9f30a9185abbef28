"""Scripts run by run-layer leave what the same scripts leave when the machine's root runs them.

The other side is ``buildah run --isolation chroot``. Every file is compared: type, mode, owner, device, xattrs, content.
"""

import json
import sys
from pathlib import Path

import pytest

from engines import daemon
from engines.buildah import Buildah
from host_root import copy_programs
from image_maker import ImageMaker

LISTER = str(Path(__file__).with_name("list_tree.py"))
COREUTILS = (
    "cat chgrp chmod chown chroot cp date dd echo env expr head id install ln ls mkdir mkfifo mknod mktemp mv od"
)
COREUTILS += " printf readlink rm rmdir sleep sort stat sync tail test touch tr true truncate uname wc"
PROGRAMS = [*COREUTILS.split(), *"sh bash busybox find getcap grep gzip sed setcap setpriv su tar xz".split()]
PROGRAMS += "chpasswd gpasswd groupadd groupdel groupmod passwd useradd userdel usermod".split()
PROGRAMS += "dpkg dpkg-deb dpkg-query dpkg-split dpkg-statoverride dpkg-trigger perl python3.13".split()
PROGRAMS += "systemd-sysusers systemd-tmpfiles adduser addgroup deluser logger diff apt-get sha256sum".split()
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
DATA = ["/usr/share/perl5/Debian", f"{LIBRARIES}/perl-base", f"{LIBRARIES}/security/pam_permit.so"]
DATA += [
    "/etc/login.defs",
    "/etc/adduser.conf",
    "/etc/deluser.conf",
    "/usr/sbin/ldconfig",
    "/usr/sbin/start-stop-daemon",
]
DATA += ["/usr/lib/apt/methods/file", "/usr/lib/apt/methods/store", "/usr/lib/apt/methods/copy", "/usr/share/dpkg"]
MODULES = "_collections_abc _weakrefset abc codecs encodings functools genericpath io os posixpath reprlib stat threading types"
MODULES += " collections keyword operator warnings"
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\n_apt:x:42:65534::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
    "etc/group": "root:x:0:\nshadow:x:42:\nstaff:x:50:\nann:x:1000:\nnogroup:x:65534:\n",
    "etc/shadow": "root:*:20000:0:99999:7:::\nann:*:20000:0:99999:7:::\n",
    "etc/gshadow": "root:*::\nshadow:*::\nstaff:*::\nann:!::\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
    "etc/pam.d/other": "auth sufficient pam_permit.so\naccount sufficient pam_permit.so\nsession sufficient pam_permit.so\n"
    "password sufficient pam_permit.so\n",
    "var/lib/dpkg/status": "",
    "var/lib/dpkg/available": "",
    "var/lib/dpkg/info/format": "1\n",
    "srv/www/index": "page\n",
    "srv/www/deep/er/file": "deep\n",
    "srv/old": "old\n",
    "home/ann/letter": "Dear Ann\n",
}
DIRECTORIES = (
    "dev",
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/skel",
    "opt",
    "var/cache/apt/archives/partial",
    "var/lib/apt/lists/partial",
    "var/log/apt",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "var/tmp",
    "var/lib/dpkg/updates",
    "var/lib/dpkg/triggers",
)
PERMS = [
    {"path": "etc/shadow", "mode": "0640", "gid": 42},
    {"path": "etc/gshadow", "mode": "0640", "gid": 42},
    {"path": "home/ann", "uid": 1000, "gid": 1000, "mode": "0700"},
    {"path": "home/ann/letter", "uid": 1000, "gid": 1000, "mode": "0600"},
    {"path": "usr/bin/su", "mode": "4755"},
    {"path": "usr/bin/passwd", "mode": "4755"},
    {"path": "tmp", "mode": "1777"},
    {"path": "var/tmp", "mode": "1777"},
    {"path": "srv/www", "mode": "2775", "gid": 50},
    {"path": "srv/old", "uid": 33, "capabilities": "cap_net_raw=ep"},
]
# What an engine leaves in a container besides what the script did, and what differs from second to second.
NOT_COMPARED = ("dev", "etc/hostname", "etc/hosts", "etc/resolv.conf", "proc", "run/.containerenv", "sys", "tmp")

PACKAGE = """\
mkdir -p /tmp/p/DEBIAN /tmp/p/usr/share/hi /tmp/p/etc
printf 'Package: hi\\nVersion: 1\\nArchitecture: all\\nMaintainer: a@b\\nDescription: hi\\n' > /tmp/p/DEBIAN/control
printf '#!/bin/sh -e\\nuseradd -r hi\\nchown hi:staff /usr/share/hi\\nchmod 2750 /usr/share/hi\\n' > /tmp/p/DEBIAN/postinst
chmod 755 /tmp/p/DEBIAN/postinst; echo conf > /tmp/p/etc/hi.conf; echo /etc/hi.conf > /tmp/p/DEBIAN/conffiles
echo hi > /tmp/p/usr/share/hi/file; chmod 4755 /tmp/p/usr/share/hi/file; dpkg-deb --root-owner-group -b /tmp/p /tmp/hi.deb >/dev/null
"""

THREADS = """\
import os, threading

def work(number):
    for each in range(number, 2000, 20):
        open(f"/f{each}", "w").close()
        os.chown(f"/f{each}", each, number)
        os.chmod(f"/f{each}", 0o4700 + number)
        os.rename(f"/f{each}", f"/g{each}")

threads = [threading.Thread(target=work, args=[number]) for number in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""

APT = PACKAGE + """\
mkdir /repo; mv /tmp/hi.deb /repo/hi_1_all.deb; cd /repo
{ dpkg-deb -f hi_1_all.deb; echo "Filename: ./hi_1_all.deb"; echo "Size: $(stat -c %s hi_1_all.deb)"
  echo "SHA256: $(sha256sum hi_1_all.deb | head -c 64)"; echo; } > Packages
echo 'deb [trusted=yes] file:/repo ./' > /etc/apt/sources.list
apt-get update >/dev/null; apt-get install -y hi >/dev/null
dpkg-query -s hi >/dev/null; rm -r /var/cache/apt /var/lib/apt /var/log /repo /var/lib/dpkg/*-old /etc/*-
"""

SCRIPTS = {
    "apt-get install": APT,
    "useradd": "groupadd -g 300 g; useradd -m -u 200 -g g -s /bin/sh joe; usermod -aG staff,ann joe; echo joe:x | chpasswd -e; userdel ann",
    "adduser": "adduser --system --group --home /var/lib/web web; addgroup --system more; adduser web more; adduser --disabled-password --gecos '' bob",
    "chown -R": "chown -R 1000:50 /srv; chown -h 7 /bin; chgrp -R staff /usr/share/perl5; chown --from=1000 2 /srv/old",
    "install": "install -d -o ann -g staff -m 2775 /opt/d; install -o 5 -g 6 -m 4755 /usr/bin/true /opt/d/t; install -D /etc/passwd /opt/x/y/z",
    "chmod": "chmod u+s /usr/bin/true; chmod g+s /opt /srv || true; chmod -R go-rwx /srv/www; chmod 1777 /srv; chmod 0 /etc/shadow; cat /etc/shadow >/dev/null",
    "cp -a": "cp -a /home/ann /home/copy; cp -a /usr/bin/su /su; cp -a /srv /srv2; cp -rp /etc/pam.d /opt/etc; cp /usr/bin/su /plain",
    "tar": "cd /; tar cf /opt.tar --numeric-owner --exclude 'etc/host*' --exclude etc/resolv.conf etc home srv usr/bin/su; mkdir /x; tar xpf /opt.tar -C /x; tar xf /opt.tar -C /srv home; rm /opt.tar",
    "setcap": "cp /usr/bin/true /cap; setcap cap_net_bind_service=+ep /cap; getcap /cap; cp -a /cap /cap2; setcap -r /cap; chown 3 /cap2; setcap cap_chown=p /cap2",
    "mknod": "mkdir /devs; mknod -m 660 /devs/null c 1 3; mknod /devs/disk b 8 0; chown ann:staff /devs/disk; mkfifo -m 600 /devs/fifo; cp -a /devs /devs2",
    "dpkg -i": PACKAGE
    + "dpkg -i /tmp/hi.deb; rm -f /var/log/dpkg.log /var/lib/dpkg/*-old /etc/*-; dpkg-query -s hi >/dev/null",
    "dpkg -r": PACKAGE
    + "dpkg -i /tmp/hi.deb; dpkg-statoverride --add --update root staff 4750 /usr/bin/tr; dpkg -P hi; rm -f /var/log/dpkg.log /var/lib/dpkg/*-old",
    "links": "ln /etc/passwd /p2; ln -s nowhere /dangling; ln /p2 /p3; chown 5 /p3; echo more >> /p2; ln -sf /etc /etclink; rm /etc/group; ln /p2 /etc/group",
    "rename": "mv /srv/www /srv/new; mkdir /srv/www; echo x > /srv/www/index; mv -T /srv/new/deep /opt; mv /etc/login.defs /srv/old",
    "link to directory": "mkdir -p /data/a; ln -s /data /l; echo 1 > /l/a/f; rm /l; mkdir /l; echo 2 > /l/f; rm /data/a/f",
    "delete and make again": "rm -r /srv/www; mkdir -m 2775 /srv/www; chgrp 50 /srv/www; echo page > /srv/www/index; rm /srv/old; touch /srv/old; rm -r /home/ann; mkdir /home/ann",
    "sparse and large": "truncate -s 20M /sparse; dd if=/dev/zero of=/sparse bs=1 count=1 seek=10M conv=notrunc 2>/dev/null; head -c 5000000 /dev/zero | tr '\\0' x > /large; cp --sparse=always /sparse /s2",
    "names": "cd /srv; touch \"$(printf 'a\\377b')\" \"$(printf 'new\\nline')\" \"$(printf '%0200d' 1)\"; mkdir \"$(printf '\\303\\244')\"; d=/deep; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do d=$d/$(printf '%090d' $i); done; mkdir -p $d; touch $d/f; chown 5 $d/f",
    "static": "busybox mkdir /b; busybox cp -a /home/ann /b/c; busybox chown -R 9:9 /b; busybox install -o 7 -m 6755 /usr/bin/busybox /b/box; busybox tar cf /b/t -C / home; busybox tar xf /b/t -C /b; rm /b/t",
    "processes": "for i in $(busybox seq 200); do (echo $i > /n$i; chown $i:$i /n$i; chmod 4711 /n$i) & done; wait",
    "threads": "cat > /tmp/t <<END\n" + THREADS + "END\npython3.13 -BS /tmp/t",
    "su": "mkdir -m 1777 /drop; su -s /bin/sh ann -c 'id -u > /drop/id; mkdir /drop/d; ln -s x /drop/l; umask 077; echo 1 > /drop/f'; setpriv --reuid 33 --regid 33 --clear-groups sh -c 'echo 2 > /drop/g; id -G > /drop/groups'",
    "edit": "sed -i 's/Ann/Bob/' /home/ann/letter; echo x >> /etc/shadow; sed -i '/ann/d' /etc/passwd; chmod u+x /etc/passwd; : > /srv/old; perl -e 'open(F,\"+<\",\"/etc/group\"); print F \"R\"; truncate(F,9)'",
    "sysusers": "mkdir -p /usr/lib/sysusers.d /usr/lib/tmpfiles.d; echo 'u svc 450 \"Service\" /var/lib/svc' > /usr/lib/sysusers.d/svc.conf; systemd-sysusers; printf 'd /var/lib/svc 0750 svc svc -\\nf /var/lib/svc/f 0640 svc root - text\\n' > /usr/lib/tmpfiles.d/svc.conf; systemd-tmpfiles --create --prefix=/var/lib/svc",
}


class Comparison:
    """The base, for run-layer and in buildah."""

    def __init__(self, buildah: Buildah, maker: ImageMaker):
        self._buildah = buildah
        self._maker = maker
        tree = maker.directory / "tree"
        copy_programs(tree, PROGRAMS, [*DATA, *map(python_module, MODULES.split())])
        for directory in DIRECTORIES:
            (tree / directory).mkdir(parents=True, exist_ok=True)
        for name, text in FILES.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        perms = maker.directory / "perms.json"
        perms.write_text(json.dumps(PERMS))
        self._base = maker.build("base.layer", "mk-layer", "--copy", tree, "--perms", perms)
        image = maker.image("base", {"Env": ["PATH=/usr/sbin:/usr/bin", "SOURCE_DATE_EPOCH=1"]}, self._base)
        self._unpacked = maker.build("base.unpacked", "unpack-image", image)
        self._reference = buildah.pull(f"oci:{image}:latest")

    def by_root(self, script: str) -> dict[str, list]:
        """The files after the machine's root has run SCRIPT."""
        with self._buildah.working_container(self._reference) as container:
            ran = self._buildah.run_in_chroot(container, script)
            assert ran.status == 0, ran.err
            return self._listed(container)

    def by_step(self, builder, script: str) -> dict[str, list]:
        """The files of an image with the layer that run-layer made of SCRIPT."""
        layer = self._maker.directory / f"{abs(hash(script))}.layer"
        options = ("--parent", self._unpacked, "--devices", "--out", layer, "--", "/bin/sh", "-e", "-c", script)
        done = builder("run-layer", *options)
        assert done.returncode == 0, done.stderr
        image = self._maker.image(layer.stem, {}, self._base, layer)
        with self._buildah.working_container(self._buildah.pull(f"oci:{image}:latest")) as container:
            return self._listed(container)

    def _listed(self, container: str) -> dict[str, list]:
        listed = json.loads(self._buildah.with_root_of(container, sys.executable, LISTER))
        return {path: entry for path, entry in listed.items() if not is_left_out(path)}


def python_module(name: str) -> str:
    path = f"/usr/lib/python3.13/{name}"
    return path if Path(path).is_dir() else f"{path}.py"


def is_left_out(path: str) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in NOT_COMPARED)


@pytest.fixture(scope="module")
def comparison(need, builder, tmp_path_factory):
    need("buildah", "runc", "ldd", *PROGRAMS, root=True)
    with daemon.scratch() as scratch:
        yield Comparison(Buildah(scratch), ImageMaker(builder, tmp_path_factory.mktemp("compared")))


@pytest.mark.parametrize("name", SCRIPTS)
def test_leaves_what_real_root_leaves(comparison, builder, name):
    expected, found = comparison.by_root(SCRIPTS[name]), comparison.by_step(builder, SCRIPTS[name])
    differing = {path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path)}
    assert {path: (expected.get(path), found.get(path)) for path in sorted(differing)} == {}

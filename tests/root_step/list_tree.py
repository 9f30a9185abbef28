"""List all files below a directory as JSON: path to type, mode, owner, device, xattrs, and content or target."""

import hashlib
import json
import os
import stat
import sys


def described(path: str) -> list:
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    mode = 0 if kind == stat.S_IFLNK else stat.S_IMODE(status.st_mode)
    xattrs = {
        name: os.getxattr(path, name, follow_symlinks=False).hex() for name in os.listxattr(path, follow_symlinks=False)
    }
    xattrs = {name: value for name, value in xattrs.items() if not name.startswith(("user.overlay", "trusted.overlay"))}
    content = ""
    if kind == stat.S_IFREG:
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    elif kind == stat.S_IFLNK:
        content = os.readlink(path)
    return [
        oct(kind),
        oct(mode),
        status.st_uid,
        status.st_gid,
        status.st_rdev if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
        xattrs,
        content,
    ]


top = sys.argv[1]
found = {}
for directory, directories, files in os.walk(top):
    for name in directories + files:
        path = os.path.join(directory, name)
        found[os.path.relpath(path, top)] = described(path)
print(json.dumps(found))

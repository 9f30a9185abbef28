"""The attribute `files` of mkLayer and mkImage, and the functions that list files for it."""

import layer_files


def test_files_of_each_kind_with_what_they_mention(nix, tmp_path):
    layer = nix.build("""
        mkLayer {
          files = {
            "/etc/motd".text = "see ${pkgs.busybox}/bin\\n";
            "/bin/sh".link = "${pkgs.busybox}/bin/sh";
            "/app/default.nix" = { source = ./default.nix; mode = "0755"; uid = 7; };
            tmp = { directory = true; mode = "1777"; };
          };
          copyToRoot = { source = ./LICENSE; dest = "LICENSE"; };
        }
        """)
    found = layer_files.members(layer)
    busybox = str(nix.build("pkgs.busybox"))
    assert found["bin/sh"].linkname == f"{busybox}/bin/sh"
    assert f"{busybox[1:]}/bin/busybox" in found and "LICENSE" in found
    assert not any(name.endswith("-default.nix") for name in found)
    assert (found["tmp/"].mode, found["app/default.nix"].mode, found["app/default.nix"].uid) == (0o1777, 0o755, 7)
    assert layer_files.content(layer, "etc/motd").decode() == f"see {busybox}/bin\n"


def test_users_groups_and_homes(nix):
    files = nix.evaluate("""
        userFiles {
          users.alice = { uid = 1000; description = "Alice"; shell = "/bin/bash"; };
          users.bob = { uid = 1001; gid = 50; home = "/srv"; homeMode = "0755"; };
          groups.staff = { gid = 50; members = [ "alice" "bob" ]; };
        }
        """)
    assert files["/etc/passwd"]["text"].splitlines() == [
        "root:x:0:0:root:/root:/bin/sh",
        "alice:x:1000:1000:Alice:/home/alice:/bin/bash",
        "bob:x:1001:50::/srv:/bin/sh",
        "nobody:x:65534:65534:nobody:/var/empty:/bin/false",
    ]
    assert files["/etc/group"]["text"].splitlines() == [
        "root:x:0:",
        "staff:x:50:alice,bob",
        "alice:x:1000:",
        "nobody:x:65534:",
    ]
    assert files["/srv"] == {"directory": True, "gid": 50, "mode": "0755", "uid": 1001}
    assert files["/home/alice"]["mode"] == "0700"


def test_an_image_takes_files_too(nix):
    image = 'mkImage { name = "x"; files = userFiles { users.alice.uid = 5; }; config.User = "alice"; }'
    assert nix.build(f"verifyImage {{ image = {image}; }}").exists()

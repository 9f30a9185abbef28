# What expressions in public repositories do, checked by test_docker_tools_patterns.py.  loading.py has its functions.

IS_PODMAN = "podman" in docker.succeed("docker --version")


def created(image):
    return inspect(image, ".Created")


with subtest("runAsRoot with shadowSetup"):
    load("redis")
    assert run("redis", "stat -c '%U %G' /data") == "redis redis"
    assert run("redis", "stat -c %a /tmp") == "1777"
    assert run("redis", "id -un") == "redis"
    assert "redis:x:" in run("redis", "cat /groups")

with subtest("runAsRoot on a base"):
    load("run-as-root-on-base")
    motd = run("run-as-root-on-base", "'cat /etc/motd; stat -c %U /home/app; /echo closure'")
    assert motd.split("\n") == ["of the base", "and of the image", "app", "closure"]

with subtest("enableFakechroot"):
    load("fake-chroot", "fake-chroot-relative", "fake-chroot-alone")
    assert run("fake-chroot", "stat -c '%U %G' /var/lib/app") == "app app"
    assert run("fake-chroot", "id -un") == "app"
    assert run("fake-chroot-relative", "stat -c %u:%g /home/app /srv").split() == ["1000:1000", "1000:1000"]
    assert run("fake-chroot-relative", "/hello/bin/hello") == "Hello, world!"
    assert "GNU bash" in run("fake-chroot-alone", "bash --version")

with subtest("a string as Cmd or Entrypoint"):
    load("cmd-string", "entrypoint-string")
    assert run("cmd-string") == "Hello, world!"
    assert run("entrypoint-string") == "Hello, you!"
    assert run("entrypoint-string", "all") == "Hello, all!"

with subtest("forms of `created`"):
    load("created-seconds", "created-date", "created-zone", "created-eight", "created-fourteen")
    assert (
        created("created-seconds") == created("created-zone") == created("created-fourteen") == "2023-11-14T22:13:20Z"
    )
    assert created("created-date") == created("created-eight") == "2023-11-14T00:00:00Z"

with subtest("a user who owns the Nix database"):
    load("nix-of-a-user")
    assert run("nix-of-a-user", "stat -c %u:%g /nix/var/nix/db/db.sqlite /nix/var/nix/db").split() == ["1000:1000"] * 2
    run("nix-of-a-user", "touch /nix/var/nix/db/writable")

with subtest("config keys in any letter case, over a base"):
    load("spelled-entrypoint", "spelled-capitals", "spelled-small")
    assert run("spelled-entrypoint") == "Hello, world!"
    assert run("spelled-capitals") == "Hello, CMD!"
    assert run("spelled-small") == "base: small"
    assert {"BASE=1", "SMALL=1"} <= set(inspect("spelled-small", ".Config.Env"))

with subtest("nested lists, null and empty strings"):
    load("nested-contents", "nested-copy-to-root")
    for image in ("nested-contents", "nested-copy-to-root"):
        assert run(image, "hello you") == "Hello, you!", image

with subtest("maxLayers = 128"):
    load("most-layers")
    assert run("most-layers", "hello") == "Hello, world!"

with subtest("overrideAttrs, override"):
    load("override-attrs", "other-packages")
    assert "another-docker-image" in IMAGES["override-attrs"]["path"]
    assert "GNU bash" in run("override-attrs", "bash --version")
    assert run("other-packages", "id -un") == "app"

with subtest("bash ${stream}"):
    docker.succeed(f"bash {IMAGES['stream']['path']} | docker load")
    assert run("stream") == "Hello, world!"

with subtest("the architecture as the kernel calls it"):
    load("processor")
    assert "GNU bash" in run("processor", "bash --version")

with subtest("a name without a registry"):
    load("app")
    assert docker.succeed("docker run --rm app").strip() == "Hello, world!"
    if IS_PODMAN:
        assert docker.succeed("docker run --rm localhost/app").strip() == "Hello, world!"

with subtest("Healthcheck"):
    load("healthy")
    kept = inspect("healthy", ".HealthCheck" if IS_PODMAN else ".Config.Healthcheck")
    assert kept["Test"] == ["CMD", "/bin/true"]

with subtest("archives that nixpkgs' mergeImages has merged"):
    load("merged-by-nixpkgs")
    for name in ("merged-one", "merged-two", "merged-three"):
        assert docker.succeed(f"docker run --rm {name}:latest").strip() == f"Hello, {name}!"

with subtest("what is inherited from the base"):
    load("inherited", "only-env", "no-config")
    assert run("inherited") == "base: base"
    assert "BASE=1" in run("only-env").split("\n")
    assert "BASE=1" not in run("no-config").split("\n")

# The NixOS test driver runs this script in a virtual machine, test_docker_tools.py against engines on this machine.
# loading.py has its functions.

start_all()
docker.wait_for_unit("sockets.target")

with subtest("1: hello"):
    load("hello-on-root")
    assert run("hello-on-root") == "Hello, world!"

with subtest("2: without store paths, on the store of the host"):
    for image in ("hello-on-root-no-store", "hello-on-root-no-store-fakechroot"):
        load(image)
        docker.fail(f"docker run --rm {reference(image)}")
        assert run(image, options="--volume /nix/store:/nix/store:ro") == "Hello, world!", image
        docker.succeed(f"docker create --name exported {reference(image)}")
        names = docker.succeed("docker export exported | tar -t").split()
        docker.succeed("docker rm exported")
        assert not [name for name in names if name.startswith("nix/store/")], image

with subtest("3: created, bash, the tag"):
    load("bash-image")
    assert inspect("bash-image", ".Created") == "1970-01-01T00:00:01Z"
    assert "GNU bash" in run("bash-image", "bash --version")
    assert IMAGES["bash-image"]["imageTag"] == "5"

with subtest("4: without a tag it is a hash, which the loaded image has"):
    for image in ("bash-no-tag", "bash-no-tag-layered", "bash-no-tag-stream", "nix-layered"):
        load(image)
        assert len(IMAGES[image]["imageTag"]) == 32
        assert listed(image) == [IMAGES[image]["imageTag"]], image

with subtest("5: Nix knows the store paths that it finds"):
    load("nix")
    for image in ("nix", "nix-layered"):
        run(image, "bash -c 'for path in /nix/store/*; do nix-store -qR $path >/dev/null || exit 1; done'")
        run(image, "nix-store --verify --check-contents")

with subtest("6: the store can be read by any user"):
    load("bash-layered-with-user")
    for directory in ("/nix", "/nix/store"):
        assert run("bash-layered-with-user", f"stat -c %a {directory}", "-u somebody") == "755"
    assert run("bash-layered-with-user", "id -u", "-u somebody") == "999"

with subtest("9: nginx serves"):
    load("nginx")
    docker.succeed(f"docker run --name nginx --rm -d --network host {reference('nginx')}")
    docker.wait_for_open_port(8000)
    assert "It works" in docker.succeed("curl --noproxy '*' --fail --silent http://127.0.0.1:8000/")
    docker.succeed("docker rm --force nginx")

with subtest("10: on an image of which nothing was known"):
    load("on-top-of-pulled-image")
    assert run("on-top-of-pulled-image") == "Hello, world!"
    assert run("on-top-of-pulled-image", "cat /usr/lib/pulled /lib/mine").split() == ["pulled", "mine"]
    assert "PULLED=1" in inspect("on-top-of-pulled-image", ".Config.Env")

with subtest("11: runAsRoot and extraCommands"):
    load("run-as-root-extra-commands")
    assert run("run-as-root-extra-commands", "cat runAsRoot extraCommands").split() == ["(runAsRoot)", "(extraCommand)"]

with subtest("12: created now"):
    for image in ("unstable-date", "unstable-date-layered"):
        load(image)
        assert not inspect(image, ".Created").startswith("1970-"), image

with subtest("13: a layered image runs, and extraCommands' file can be read"):
    load("layered-image")
    assert run("layered-image") == "Hello, world!"
    assert run("layered-image", "cat /extraCommands") == "Hello"

with subtest("14: on a layered image"):
    for image in ("layered-on-top", "layered-on-top-layered"):
        load(image)
        assert run(image) == "hello", image
        assert layers(image)[: len(layers("layered-image"))] == layers("layered-image"), image

with subtest("15: layered images share layers"):
    load("another-layered-image")
    assert len(set(layers("layered-image")) & set(layers("another-layered-image"))) > 1

with subtest("16: layers in their order"):
    load("layers-order")
    for number in "123":
        assert run("layers-order", f"cat /tmp/layer{number}") == f"layer{number}"
    assert run("layers-order", "cat /last") == "3"

with subtest("17: the last layer wins"):
    load("layers-unpack-order")
    assert run("layers-unpack-order", "cat /layer-order") == "abc"

with subtest("18: a base that names a layer twice"):
    load("repeated-layer")
    assert layers("repeated-layer")[0] == layers("repeated-layer")[1]
    assert run("repeated-layer", "cat /top /hello.txt").split("\n") == ["top", "Hello from a file"]

with subtest("19, 20: the environment of the base and of the image"):
    for image in ("environment-variables", "environment-variables-layered"):
        load(image)
        found = run(image, "env").split("\n")
        assert {"FROM_PARENT=true", "FROM_CHILD=true", "LAST_LAYER=child"} <= set(found), found
        stored = inspect(image, ".Config.Env")
        assert [word for word in stored if word.startswith("LAST_LAYER=")] == ["LAST_LAYER=child"], stored

with subtest("21 to 23: few layers"):
    load("two-layered-image", "bulk-layer", "layered-bulk-layer")
    assert len(layers("two-layered-image")) == 2
    for image in ("bulk-layer", "layered-bulk-layer"):
        run(image, "ls /bin/hello")
    assert len(layers("layered-bulk-layer")) == 4

with subtest("24: no store paths"):
    load("no-store-paths")
    assert run("no-store-paths", "ls /nix/store") == "static-busybox"

with subtest("25: what the config mentions is in the store, and Nix finds it sound"):
    load("files-in-store")
    run("files-in-store", "nix-store --verify --check-contents")
    assert run("files-in-store") == "some data"

with subtest("26, 35: another architecture"):
    for image in ("build-image-with-architecture", "layered-image-with-architecture", "cross"):
        load(image)
        assert inspect(image, ".Architecture") == "arm64", image

with subtest("27: a store path that is a link"):
    load("layered-store-symlink")
    run("layered-store-symlink")

with subtest("28: the image's name has a registry"):
    for image in ("prefixed-image", "prefixed-layered-image"):
        load(image)
        assert listed(image) == ["latest"], image

with subtest("29: owners and modes that fakeroot has seen"):
    load("layered-image-with-fake-root-commands")
    stat = "sh -c 'stat -c %u /home/alice; stat -c %a /home/alice/file'"
    assert run("layered-image-with-fake-root-commands", stat).split() == ["1000", "4750"]
    assert run("layered-image-with-fake-root-commands", "/hello/bin/hello") == "Hello, world!"

with subtest("30: two images in one store"):
    load("redis")
    assert "Redis server" in run("redis")
    assert "GNU bash" in run("bash-image", "bash --version")

    for image in ("merged-bash-and-redis", "merged-bash-no-tag-and-redis"):
        docker.succeed(f"docker rmi --force {reference('redis')} {reference(image)}")
        load(image)
        assert "GNU bash" in run(image, "bash --version"), image
        assert "Redis server" in run("redis"), image

with subtest("31: a merged image keeps its owners"):
    docker.succeed(f"docker rmi --force {reference('layered-image-with-fake-root-commands')}")
    load("merged-bash-fake-root")
    assert run("layered-image-with-fake-root-commands", "sh -c 'stat -c %u /home/alice'") == "1000"

with subtest("32: the files of an image in one archive"):
    names = docker.succeed(f"tar -tf {IMAGES['export-bash']['path']}").split("\n")
    assert "./bin/bash" in names
    docker.succeed(f"docker import {IMAGES['export-bash']['path']} imported:latest")
    assert "GNU bash" in docker.succeed("docker run --rm imported:latest bash --version")

with subtest("33: a link that fakeRootCommands have made by its absolute path"):
    load("image-via-fakechroot")
    assert run("image-via-fakechroot") == "Hello, world!"

with subtest("34: a path as content"):
    for image in ("build-image-with-path", "layered-image-with-path"):
        load(image)
        assert run(image, "cat /hello.txt") == "Hello from a file", image

with subtest("36: a file below /etc"):
    for image in ("etc", "etc-fakechroot"):
        load(image)
        assert "localhost" in run(image), image

with subtest("37: certificates"):
    load("image-with-certs")
    for place in ("ssl/certs/ca-bundle.crt", "ssl/certs/ca-certificates.crt", "pki/tls/certs/ca-bundle.crt"):
        assert "BEGIN CERTIFICATE" in run("image-with-certs", f"cat /etc/{place}")

with subtest("38: a file that another user owns"):
    load("chown-test-image")
    assert run("chown-test-image") == "12345:12345"

with subtest("39: a user other than root, who owns the store"):
    load("non-root-test-image")
    assert run("non-root-test-image").split() == ["999", "999"]

with subtest("40: the environment of a derivation"):
    said = {
        "nix-shell-hook": "This is the shell hook!",
        "nix-shell-inputs": "Hello, world!",
        "nix-shell-pass-as-file": "this is a string",
        "nix-shell-run": "not interactive",
        "nix-shell-command": "interactive",
        "nix-shell-writable-home": "written",
        "nix-shell-nonexistent-home": "no /homeless-shelter",
        "nix-shell-build-derivation": "built",
        "nix-shell-archive": "Hello, world!",
    }
    for image, expected in said.items():
        load(image)
        assert run(image, options="--tty") == expected, image
    load("nix-shell-basic")
    shell = docker.succeed(f"echo 'echo $name $UID' | docker run --rm --interactive {reference('nix-shell-basic')}")
    assert {"nix-shell-basic", "1000"} <= set(shell.split()), shell

with subtest("41: each compression of the archive"):
    for image in ("build-image-none", "build-image-gz", "build-image-zstd", "layered-image-none", "layered-image-zstd"):
        load(image)
        assert "GNU bash" in run(image, "bash --version"), image

with subtest("a streamed image by another name"):
    docker.succeed(f"{IMAGES['etc']['path']} --repo_tag example.org/other:2 | docker load")
    assert "localhost" in docker.succeed("docker run --rm example.org/other:2")

with subtest("a command that the image does not have"):
    docker.fail(f"docker run --rm {reference('bash-image')} no-such-command")

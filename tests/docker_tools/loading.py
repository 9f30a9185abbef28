# The start of vm-test.py and patterns.py.  IMAGES has the path, imageName and imageTag of each image that they load,
# and whether the path is a program (isExe).


def reference(image):
    return f"{IMAGES[image]['imageName']}:{IMAGES[image]['imageTag']}"


def load(*images):
    for image in images:
        path = IMAGES[image]["path"]
        docker.succeed(f"{path} | docker load" if IMAGES[image]["isExe"] else f"docker load --input {path}")


def run(image, command="", options=""):
    return docker.succeed(f"docker run --rm {options} {reference(image)} {command}").strip()


def inspect(image, what):
    return json.loads(docker.succeed(f"docker inspect --type image --format '{{{{json {what}}}}}' {reference(image)}"))


def layers(image):
    return inspect(image, ".RootFS.Layers")


def listed(image):
    """The tags that an image's name has in the store, however the engine qualifies it."""
    rows = [row.split() for row in docker.succeed("docker images --format '{{.Repository}} {{.Tag}}'").splitlines()]
    return [
        tag for name, tag in rows if re.sub("^(localhost|docker.io/library)/", "", name) == IMAGES[image]["imageName"]
    ]

"""The guards of laminix, each with the text that removes it: what ``remove-guards`` breaks, to see a test fail.

A guard stops a threat of the list in ``lib/laminix/forms/README.md``, whose row names the tests, or a false merge of an
image with its parent. Each OLD text is in its file exactly once; ``test_guards.py`` checks that.
"""

from dataclasses import dataclass

# Why the fuzzer does not look for what a guard stops.
NO_EFFECT = "the bytes are refused for their digest, too"
RUN = "the fuzzer runs no container"
REFUSED = "the input is refused all the same, in other words"
NO_READER = "its tests compare with engines; the fuzzer has no second reader"
FROM_OUTSIDE = "the fuzzer damages input, not the machine"
HUGE = "a case of the fuzzer has a few kilobytes"
NO_SERVERS = "the fuzzer asks no registry and no cache, and no client asks it"
REQUESTS = "run --damage requests"
MERGES = "merged_trees.py --with umoci"
SAME_RESULT = "the result is the same, and only takes more time, memory or addresses"


@dataclass(frozen=True)
class Guard:
    """A change of a file of ``lib/laminix`` that removes a guard."""

    threat: str  # a row of the list of threats, or words of our own with TESTS
    file: str
    old: str
    new: str = ""
    tests: tuple[str, ...] = ()  # names of test files or functions; empty: those of the row
    fuzzer: str = "run"  # the program that looks for it, with its options
    not_fuzzed: str = ""  # why none does


# Rows without a guard to remove, and why.
WITHOUT_GUARD = {
    "the `urls` of a descriptor": "no code asks an address of a descriptor",
    "thousands of levels, made by a command": "one loop walks the tree; to remove that is to write it anew",
    "thousands of levels of directories in a NAR": "one loop reads the NAR; to remove that is to write it anew",
}

IMAGES = (
    Guard(
        "a recipe that runs a command or names files",
        "layers/rebuilding.py",
        "    _check_compressor(recipe, layer.diff_id)\n",
        fuzzer=REQUESTS,
    ),
    Guard(
        "a recipe that runs a command or names files",
        "layers/rebuilding.py",
        "    check_inputs(recipe, layer.diff_id)\n",
        fuzzer=REQUESTS,
        not_fuzzed=NO_EFFECT,
    ),
    Guard(
        "a recipe that runs a command or names files",
        "layers/recipe.py",
        " or not lies_in_store(source):",
        ":",
        tests=("test_a_recipe_copies_nothing_from_outside_the_store",),
        fuzzer=REQUESTS,
        not_fuzzed=NO_EFFECT,
    ),
    Guard(
        "a recipe of gigabytes, or of millions of `{}`",
        "layers/layer_directory.py",
        "    if size > MAX_SIZE:",
        "    if False:",
        not_fuzzed=HUGE,
    ),
    Guard(
        "a recipe of gigabytes, or of millions of `{}`",
        "layers/layer_directory.py",
        '    refuse_many_containers(data, "bad layer", path)\n',
        not_fuzzed=HUGE,
    ),
    Guard(
        "a link in a directory to another file, a device or a FIFO",
        "forms/members.py",
        "            self._check_target(name, path)\n",
    ),
    Guard(
        "a link in a directory to another file, a device or a FIFO",
        "forms/members.py",
        "        if not stat.S_ISREG(mode):\n            raise LaminixError(BAD_IMAGE, f",
        "        if False:\n            raise LaminixError(BAD_IMAGE, f",
        not_fuzzed="open_regular_file checks it once more",
    ),
    Guard(
        "a name that climbs (`../`), is absolute or has a zero byte",
        "forms/members.py",
        'if name.startswith("/") or ".." in name.split("/") or "\\0" in name:',
        "if False:",
    ),
    Guard("links between members in a circle", "forms/members.py", "for _ in range(MAX_LINK_HOPS):", "while True:"),
    Guard(
        "indexes in indexes, each many times",
        "forms/blobs.py",
        "if digest not in self._nested and len(ancestors)",
        "if len(ancestors)",
    ),
    Guard(
        "indexes in indexes, each many times",
        "forms/blobs.py",
        "MAX_INDEX_DEPTH = 8 ",
        "MAX_INDEX_DEPTH = 10**9 ",
        not_fuzzed=SAME_RESULT,
    ),
    Guard(
        "indexes in indexes, each many times",
        "forms/blobs.py",
        "if self._names_left < 0:",
        "if False:",
        not_fuzzed=HUGE,
    ),
    Guard("a large document", "forms/members.py", "if size > MAX_DOCUMENT_SIZE:", "if False:", not_fuzzed=HUGE),
    Guard("a large document", "forms/members.py", "        self._left -= size\n", not_fuzzed=HUGE),
    Guard(
        "a document of millions of `{}`",
        "image_json.py",
        'if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS:',
        "if False:",
        not_fuzzed=HUGE,
    ),
    Guard("deep nesting of JSON", "strict_json.py", "    except RecursionError:", "    except ZeroDivisionError:"),
    Guard(
        "numbers of thousands of digits",
        "strict_json.py",
        'nested too deeply", place) from None\n    except ValueError as error:',
        'nested too deeply", place) from None\n    except ZeroDivisionError as error:',
    ),
    Guard(
        "the same in texts: users, signals, sizes, times to wait",
        "decimal_digits.py",
        "    if len(digits) > len(str(most)):\n        return None\n",
        not_fuzzed="no case has such a user",
    ),
    Guard(
        "a FIFO, a device or a link in place of `/etc/passwd` or `/etc/group`",
        "root_step/bundle.py",
        'read_start(place) if os.path.realpath(place) == place else ""',
        "read_start(place)",
        not_fuzzed=RUN,
    ),
    Guard(
        "a FIFO, a device or a link in place of `/etc/passwd` or `/etc/group`",
        "root_step/user.py",
        "    with open_regular_file(path) as file:",
        '    with open(path, "rb", buffering=0) as file:',
        not_fuzzed=RUN,
    ),
    Guard(
        "documents that clients read in different ways",
        "verify/image.py",
        "    yield from reading_problems(members, image)\n",
    ),
    Guard("many names for one blob", "verify/image.py", "if key not in digests:", "if True:", not_fuzzed=SAME_RESULT),
    Guard(
        "many names for one image",
        "verify/readings.py",
        "for reference in image.references[:MAX_COMPARED]:",
        "for reference in image.references:",
        not_fuzzed=SAME_RESULT,
    ),
    Guard(
        "many problems",
        "verify/image.py",
        "if len(distinct) == MAX_PROBLEMS and",
        "if False and",
        not_fuzzed=HUGE,
    ),
    Guard(
        "names and history with terminal controls",
        "errors.py",
        'if text.replace("\\n", "").isprintable():',
        "if True:",
    ),
    Guard("names and history with terminal controls", "errors.py", "    if cut.isprintable():", "    if True:"),
    Guard(
        "names of megabytes in errors",
        "errors.py",
        "return text if len(text) <= MAX_LINE else",
        "return text if True else",
    ),
)

TARS = (
    Guard(
        "negative and huge sizes, IDs, times, devices",
        "tar/fields.py",
        "if not smallest <= number <= largest:",
        "if False:",
    ),
    Guard(
        "negative and huge sizes, IDs, times, devices",
        "tar/fields.py",
        "if len(significant) > MAX_DIGITS:",
        "if False:",
        not_fuzzed=REFUSED,
    ),
    Guard(
        "a size that is larger than the file",
        "tar/reader.py",
        "max(min(missing, LARGEST_READ), CHUNK)",
        "max(missing, CHUNK)",
        not_fuzzed=SAME_RESULT,
    ),
    Guard(
        "a size that is larger than the file",
        "tar/reader.py",
        "            if content_end > limit:",
        "            if False:",
        not_fuzzed=REFUSED,
    ),
    Guard(
        "a PAX header or long name of gigabytes",
        "tar/reader.py",
        "if size > EXTENSION_LIMIT:",
        "if False:",
        not_fuzzed=HUGE,
    ),
    Guard(
        "long names and links by the million",
        "tar/reader.py",
        "if self._names_left < 0:",
        "if False:",
        not_fuzzed=HUGE,
    ),
    Guard("a long path", "tar/reader.py", "if len(path) > LONGEST_PATH:", "if False:", not_fuzzed=HUGE),
    Guard(
        "a long symbolic link",
        "tar/reader.py",
        "if entry.type == SYMLINK and len(link) > LONGEST_LINK:",
        "if False:",
        not_fuzzed=HUGE,
    ),
    Guard(
        "a path that implies thousands of directories",
        "merge/merged_tree.py",
        "if self._implied_left < 0:",
        "if False:",
        not_fuzzed=HUGE,
    ),
    Guard(
        "thousands of levels of directories",
        "directory_trees.py",
        "        _empty(os.open(path, OPEN))\n        os.rmdir(path)\n",
        '        __import__("shutil").rmtree(path)\n',
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "headers that tar readers read in different ways",
        "tar/reader.py",
        "records = {**self._local, **self._long}",
        "records = {**self._long, **self._local}",
        not_fuzzed=NO_READER,
    ),
    Guard(
        "`.wh.`, `.wh..`, `.wh...`",
        "tar/entries.py",
        'if name in (b"", b".", b".."):',
        "if False:",
        not_fuzzed=NO_READER,
    ),
)

COMPRESSED = (
    Guard("a bomb", "compression/uncompress.py", "        if left < 0:", "        if False:", not_fuzzed=HUGE),
    Guard("a bomb", "forms/members.py", "        left -= len(chunk)\n", not_fuzzed=HUGE),
    Guard(
        "an xz file that asks for gigabytes of memory",
        "compression/uncompress.py",
        "partial(LZMADecompressor, memlimit=MAX_XZ_MEMORY), LZMAError",
        "LZMADecompressor, LZMAError",
        not_fuzzed=SAME_RESULT,
    ),
    Guard(
        "a million empty gzip members",
        "compression/uncompress.py",
        "if rest and not in_pieces:",
        "if False:",
        not_fuzzed=SAME_RESULT,
    ),
    Guard(
        "a layer whose diff ID is its compressed digest",
        "images/layer_bytes.py",
        "layer.digest == layer.diff_id and _is_plain(layer)",
        "layer.digest == layer.diff_id",
        not_fuzzed="no case gives a layer its digest as diff ID",
    ),
)

CACHES = (
    Guard(
        "a wrong hash, a truncated file, another NAR",
        "caches/cache.py",
        "        if meter.result() != digest:",
        "        if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a wrong hash, a truncated file, another NAR",
        "caches/cache.py",
        "        if size not in (None, found):",
        "        if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a wrong hash, a truncated file, another NAR",
        "caches/cache.py",
        "            if size is not None and found > size:",
        "            if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a wrong hash, a truncated file, another NAR",
        "caches/cache.py",
        "        if info.file_digest not in (None, info.nar_digest):",
        "        if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "half an image at a registry, or half an output",
        "transfer/push.py",
        "        document, blobs = self._deliver(known, config_is_there)\n        try:\n",
        "        own = [stored_descriptor(layer) for layer in self._image.layers]\n        self._name(present, manifest_with(self._image, own))\n        document, blobs = self._deliver(known, config_is_there)\n        try:\n",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a missing path among many",
        "caches/supply.py",
        "    if absent:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a missing path among many",
        "caches/supply.py",
        "absent[:MOST_NAMED]",
        "absent",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a server that never answers, or stops",
        "registry/connection.py",
        "_Connection(place.hostname, place.port, timeout=TIMEOUT)",
        "_Connection(place.hostname, place.port)",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a server that never answers, or stops",
        "registry/resuming.py",
        "            if failures >= ATTEMPTS:",
        "            if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a narinfo that names another store path, or a file elsewhere",
        "caches/narinfo.py",
        "    if found != store_path:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a narinfo that names another store path, or a file elsewhere",
        "caches/narinfo.py",
        "parts.netloc or not is_within or any(",
        "parts.netloc or any(",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a large narinfo",
        "caches/files.py",
        "        if len(data) > LARGEST_DOCUMENT:",
        "        if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "names with `..`, slashes or zero bytes",
        "store/nar_reader.py",
        '    if name in (b"", b".", b"..") or b"/" in name or b"\\0" in name:',
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "names with `..`, slashes or zero bytes",
        "store/nar_reader.py",
        "    if len(path) > LONGEST_PATH:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "names out of order, or twice",
        "store/nar_reader.py",
        "    if name < last:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "names out of order, or twice",
        "store/nar_reader.py",
        "    if name == last:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "names for file systems that ignore case, whiteouts",
        "store/nar_reader.py",
        "    if CASE_HACK in name:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "names for file systems that ignore case, whiteouts",
        "store/nar_reader.py",
        "    if name.startswith(WHITEOUT_PREFIX):",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "absurd lengths",
        "store/nar_reader.py",
        "        if length > longest:",
        "        if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "absurd lengths",
        "store/nar_reader.py",
        "        if size > self._left:",
        "        if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "absurd lengths",
        "caches/narinfo.py",
        " and int(text) <= LARGEST_NAR):",
        "):",
        not_fuzzed=NO_SERVERS,
    ),
)

DIRECTORIES = (
    Guard(
        "FIFOs, sockets and devices",
        "layers/file_entries.py",
        "    if type is None:",
        "    if False:",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "a file that changes while it is read",
        "layers/file_entries.py",
        "    if type != found:",
        "    if False:",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "thousands of levels",
        "layers/file_entries.py",
        "while len(rest) > LONGEST_PATH:",
        "while False:",
        not_fuzzed=FROM_OUTSIDE,
    ),
)

REGISTRIES = (
    Guard(
        "wrong digests, blobs of another size, endless bodies",
        "images/layer_bytes.py",
        "    if found != layer.digest:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "wrong digests, blobs of another size, endless bodies",
        "registry/client.py",
        "    if digest_of(state) != digest:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "wrong digests, blobs of another size, endless bodies",
        "transfer/pull.py",
        "    if digest_of(state) != blob.digest:",
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "wrong digests, blobs of another size, endless bodies",
        "registry/client.py",
        "if length.isdecimal() and number_up_to(LARGEST_SIZE, length) != expected:",
        "if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "wrong digests, blobs of another size, endless bodies",
        "registry/client.py",
        "                if left < 0:",
        "                if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "wrong digests, blobs of another size, endless bodies",
        "registry/connection.py",
        "self._response.read(LARGEST_DOCUMENT + 1)",
        "self._response.read(32 * LARGEST_DOCUMENT)",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "redirects elsewhere, in circles, or to plain HTTP",
        "registry/connection.py",
        "headers = headers if origin(target) == origin(url) else _without_secrets(headers)",
        "pass",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "redirects elsewhere, in circles, or to plain HTTP",
        "registry/client.py",
        "self.registry.authenticator.header(scopes) if own else None",
        "self.registry.authenticator.header(scopes)",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "redirects elsewhere, in circles, or to plain HTTP",
        "registry/connection.py",
        "for _ in range(MOST_REDIRECTS + 1):",
        "while True:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "redirects elsewhere, in circles, or to plain HTTP",
        "registry/connection.py",
        '    if url.startswith("https:") and scheme == "http":',
        "    if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "redirects elsewhere, in circles, or to plain HTTP",
        "registry/authentication.py",
        'if url.startswith("https:") and not realm.startswith("https:"):',
        "if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "another server asks for credentials",
        "registry/client.py",
        "response.status == 401 and origin(response.url) == origin(base)",
        "response.status == 401",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a connection that is cut inside a request or an answer, also inside headers",
        "registry/connection.py",
        '        if lines.last not in (b"\\r\\n", b"\\n"):',
        "        if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a connection that is cut inside a request or an answer, also inside headers",
        "registry/connection.py",
        "        if self._response.length:",
        "        if False:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a connection that is cut inside a request or an answer, also inside headers",
        "registry/connection.py",
        "if not may_pass or not again or attempt >= ATTEMPTS or self.is_aborted:",
        "if True:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a connection that is cut inside a request or an answer, also inside headers",
        "registry/resuming.py",
        "            if failures >= ATTEMPTS:",
        "            if True:",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a registry that has other bytes of a resumed upload than were sent",
        "transfer/push.py",
        '"BLOB_UPLOAD_INVALID", "DIGEST_INVALID"})',
        '"BLOB_UPLOAD_INVALID"})',
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "429 and 5xx",
        "registry/connection.py",
        "RETRIED = (429, 500, 502, 503, 504)",
        "RETRIED = ()",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "429 and 5xx",
        "registry/connection.py",
        "number_up_to(LONGEST_WAIT, retry_after)",
        "int(retry_after)",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a config that names a wrong diff ID for a blob that is there",
        "transfer/push.py",
        " if self._wishes.reuse else ({}, False)\n",
        "\n",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a client of serve-image that sends nonsense, is slow or hangs up",
        "transfer/server.py",
        "    def send_error(self, code",
        "    def unused(self, code",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a client of serve-image that sends nonsense, is slow or hangs up",
        "transfer/server.py",
        "    except ValueError as error:\n        return error_answer(400",
        "    except ZeroDivisionError as error:\n        return error_answer(400",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a client of serve-image that sends nonsense, is slow or hangs up",
        "transfer/server.py",
        "            if not isinstance(error, (ConnectionError, TimeoutError)):\n                self",
        "            if True:\n                self",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a client of serve-image that sends nonsense, is slow or hangs up",
        "transfer/server.py",
        "class ImageServer(ThreadingHTTPServer):",
        'class ImageServer(__import__("http.server").server.HTTPServer):',
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a client of serve-image that sends nonsense, is slow or hangs up",
        "transfer/server.py",
        "    timeout = TIMEOUT\n",
        not_fuzzed=NO_SERVERS,
    ),
    Guard(
        "a client of serve-image that sends nonsense, is slow or hangs up",
        "transfer/server.py",
        "                with self.server.recipes:",
        "                with contextlib.nullcontext():",
        not_fuzzed=NO_SERVERS,
    ),
)

COMMANDS = (
    Guard(
        "files that a layer would take for whiteouts",
        "root_step/changes.py",
        "            if name.startswith(WHITEOUT_PREFIX):",
        "            if False:",
        not_fuzzed=RUN,
    ),
)

SURROUNDINGS = (
    Guard(
        "`--out` on a device, a FIFO or a link",
        "output.py",
        "if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):",
        "if False:",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "`--out` on a device, a FIFO or a link",
        "output.py",
        "    _refuse_link_into_store(out)\n",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "kill -9, and drafts of killed runs",
        "output.py",
        '        _remove_if_abandoned(f"{start}{number}")\n',
        "        pass\n",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "kill -9, and drafts of killed runs",
        "output.py",
        "        found = os.fstat(descriptor)\n        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "        found = os.fstat(descriptor)\n",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "kill -9, and drafts of killed runs",
        "output.py",
        "            yield draft\n        refuse_existing(out, refuse_irreplaceable)\n        _put(draft, out)\n",
        "            os.rename(draft, out)\n            yield out\n",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "kill -9, and drafts of killed runs",
        "output.py",
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})",
        "signal.pthread_sigmask(signal.SIG_BLOCK, ())",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "a full disk, a closed pipe, two runs to one output",
        "command/runner.py",
        "    except OSError as error:\n        _discard",
        "    except ZeroDivisionError as error:\n        _discard",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "a full disk, a closed pipe, two runs to one output",
        "command/runner.py",
        "    except BrokenPipeError:",
        "    except ZeroDivisionError:",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "a full disk, a closed pipe, two runs to one output",
        "output.py",
        "        except BaseException:\n            _remove(draft)\n            raise\n",
        "        except BaseException:\n            raise\n",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "reads that fail or give less",
        "compression/uncompress.py",
        "        if len(start) >= LONGEST_MAGIC:\n            break",
        "        break",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "no memory, no threads, many descriptors, standard input that does not block",
        "command/runner.py",
        "    except MemoryError:",
        "    except ZeroDivisionError:",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "no memory, no threads, many descriptors, standard input that does not block",
        "command/runner.py",
        "        if str(error) != NO_THREAD:",
        "        if True:",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "no memory, no threads, many descriptors, standard input that does not block",
        "forms/members.py",
        "            select.select([file], [], [])\n",
        "            return\n",
        not_fuzzed=FROM_OUTSIDE,
    ),
    Guard(
        "`$NIX_LOG_FD` names a file of ours",
        "progress.py",
        " and _is_inherited(int(descriptor)):",
        ":",
        not_fuzzed=FROM_OUTSIDE,
    ),
)

ON_PARENT = ("test_on_parent.py",)
MERGING = (
    Guard(
        "directories lose the parent's owner and mode",
        "merge/layer_on_parent.py",
        "    if entry.type == DIRECTORY and not entry.explicit:",
        "    if False:",
        tests=ON_PARENT,
        fuzzer=MERGES,
    ),
    Guard(
        "a link to the root is replaced by a directory",
        "merge/merged_tree.py",
        '            if name in (b"", b"."):',
        '            if name in (b"",):',
        tests=ON_PARENT,
        fuzzer=MERGES,
    ),
    Guard(
        "the same link again replaces the parent's",
        "merge/merged_tree.py",
        "elif node is not None and (node.entry.type, node.entry.link) == (entry.type, entry.link):",
        "elif False:",
        tests=ON_PARENT,
        fuzzer=MERGES,
    ),
    Guard(
        "a link and a file below it in one layer",
        "merge/layer_on_parent.py",
        "        _check_parents(moved, origins)\n",
        tests=ON_PARENT,
        fuzzer=MERGES,
    ),
    Guard(
        "a link that moves files, and is replaced in the same layer",
        "merge/layer_on_parent.py",
        "        _check_links(moved, destinations, lower.tree)\n",
        tests=ON_PARENT,
        fuzzer=MERGES,
    ),
    Guard(
        "directories with unequal modes meet",
        "merge/layer_on_parent.py",
        "    if not same_metadata(one.entry, other.entry) or _digest(one, tar) != _digest(other, tar):",
        "    if False:",
        tests=ON_PARENT,
        fuzzer=MERGES,
    ),
    Guard(
        "a whiteout meets a directory of its own layer",
        "merge/layer_on_parent.py",
        "        moved = _with_opaque_directories(moved)\n",
        tests=ON_PARENT,
        fuzzer=MERGES,
    ),
    Guard(
        "a store path of one name and other content",
        "merge/layer_on_parent.py",
        "    return member.entry.type != FILE or node.digest == _digest(member, tar)",
        "    return True",
        tests=ON_PARENT,
        fuzzer=MERGES,
    ),
    Guard(
        "hard links become copies",
        "merge/layer_on_parent.py",
        "        result = with_hard_links(result)\n",
        tests=ON_PARENT,
        not_fuzzed="the tree is the same with copies",
    ),
)

OTHERS = (
    Guard(
        "a request for help succeeds without an output",
        "command/nix_request.py",
        "    declared = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]\n",
        "    declared = parser._actions\n",
        fuzzer=REQUESTS,
        tests=("test_command.py",),
    ),
    Guard(
        "the digest of a config in sha512 is lost",
        "forms/writing.py",
        "    return image.manifest is not None and image.manifest.config.digest == sha256(image.config_bytes)\n",
        "    return image.manifest is not None\n",
        tests=("test_packed_whole.py",),
        not_fuzzed="no case names a config by SHA-512",
    ),
    Guard(
        "an xz layer is packed for docker",
        "forms/writing.py",
        "if unseen and (found := compression_of(chunk)) not in media_types.LAYER_TYPES:",
        "if False:",
        tests=("test_packed_whole.py",),
        not_fuzzed="no case has such a layer",
    ),
    Guard(
        "null in the documents of Go programs",
        "strict_json.py",
        "        return None if self.expect(dict).get(key) is None else self._member(key)",
        "        return self._member(key) if key in self.expect(dict) else None",
        tests=("test_image_json.py", "test_oci.py"),
        not_fuzzed=REFUSED,
    ),
)

GUARDS = IMAGES + TARS + COMPRESSED + CACHES + DIRECTORIES + REGISTRIES + COMMANDS + SURROUNDINGS + MERGING + OTHERS

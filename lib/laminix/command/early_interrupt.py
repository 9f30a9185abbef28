"""An interruption while a builder still imports its modules ends with one line, as it does later.

Until ``runner.run`` has set its handlers, SIGTERM and SIGHUP end the process at once, without a line; nothing has
been opened or written by then. But Python turns SIGINT into an exception, whose traceback this module replaces.
"""

import os
import sys


def _say_interrupted(kind: type[BaseException], error: BaseException, traceback) -> None:
    if issubclass(kind, KeyboardInterrupt) and sys.stderr is not None:
        print(f"{os.path.basename(sys.argv[0])}: error: interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = _say_interrupted

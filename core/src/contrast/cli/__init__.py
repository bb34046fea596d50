"""The command line: `contrast COMMAND`. Importing it imports neither torch nor any plugin.

Data go to standard output, words to standard error. Exit codes: 0 done, 1 the run failed,
2 the user's mistake, 130 and 143 stopped by a signal with a run that can be resumed.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from contrast.cli.app import app
from contrast.cli.console import say
from contrast.engine.observers import telling_warnings
from contrast.engine.stopping import Stopped
from contrast.errors import ContrastError

SURROUNDINGS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit. A user's mistake is told without a traceback, a bug with it."""
    try:
        with telling_warnings(say):
            app(args=arguments, prog_name="contrast")
    except Stopped as stopped:
        say(str(stopped))
        sys.exit(stopped.exit_code)
    except ContrastError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in SURROUNDINGS:
            raise
        place = f"cannot use {error.filename}: " if error.filename else ""
        say(f"error: {place}{(error.strerror or str(error)).lower()}")
        sys.exit(1)

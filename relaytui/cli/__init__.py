"""The command line: click commands over links, printing data on stdout and narration on stderr.

`main` is the program. Commands live one file a group and are imported when they are called, so that `relaytui ls`
pays for neither Textual nor asyncssh.
"""

from __future__ import annotations

import sys

from relaytui.garbage import collect_rarely


def main() -> None:
    """Run the command line and exit with a documented code (see `exits`)."""
    collect_rarely()
    from relaytui.cli.run import run  # what it imports would cost every `import relaytui.cli.…`

    sys.exit(run(sys.argv[1:]))

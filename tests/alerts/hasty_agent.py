"""The node agent with short waits: claims last one second, failures are tried again at once, work is long after one."""

from __future__ import annotations

import os
import sys

from node_agent.__main__ import main
from node_agent.core import alerts
from node_agent.io import asks

alerts.CLAIM_SECONDS = 1.0
alerts._FIRST_WAIT = 0.2
alerts.LEFT_AFTER = float(os.environ.get("TEST_LEFT_AFTER", alerts.LEFT_AFTER))
asks.LONG_WORK = 1.0

if __name__ == "__main__":
    sys.exit(main())

"""`python -m relaytui` is `relaytui`."""

from relaytui.cli import main

main()

"""The operator's side of relaytui: console, command line, hub, links to nodes."""

from node_agent import __version__

__all__ = ["__version__"]

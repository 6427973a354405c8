"""The node side of relaytui: keeper, journals, terminal engines, detection and the agent that serves them."""

__version__ = "0.1.0"

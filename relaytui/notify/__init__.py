"""Tells the operator: channels, what goes through which of them, and the notifier that claims before it sends."""

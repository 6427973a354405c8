"""The contract between a node agent and whatever connects to it: preamble, frames, messages, states, ids.

Both sides import this package and nothing else of each other. It imports only the standard library.
"""

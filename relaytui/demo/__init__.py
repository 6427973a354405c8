"""The demo: three nodes of its own in a temporary directory, real sessions on them, and the console.

It ends everything it started, however it is left.
"""

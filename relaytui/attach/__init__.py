"""The operator's own terminal joined to a session, full screen.

Used by the command line and, while its screen is suspended, by the console. It knows byte streams and terminals, and
must not know the grid.
"""

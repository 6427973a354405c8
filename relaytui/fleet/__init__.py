"""The sans-IO picture of nodes, sessions, screens and asks; filters and ordering over it."""

"""asyncssh, imported without running a compiler; everything else imports it from here.

It looks for optional libraries with ctypes' `find_library`, which on Linux runs gcc and ld for each name that the
loader's cache does not hold: ten processes, as long as an SSH login. What only those two would find the loader could
not load by that name either.
"""

from __future__ import annotations

import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager

_TOOLS = ("_findLib_gcc", "_findLib_ld")
"""CPython's functions that run gcc and ld; where there are none of these names nothing is changed."""


@contextmanager
def _cache_alone() -> Iterator[None]:
    """Have `find_library` go by the loader's cache alone."""
    known = {name: getattr(ctypes.util, name) for name in _TOOLS if hasattr(ctypes.util, name)}
    for name in known:
        setattr(ctypes.util, name, lambda _: None)
    try:
        yield
    finally:
        for name, function in known.items():
            setattr(ctypes.util, name, function)


with _cache_alone():
    import asyncssh
    from asyncssh.encryption import get_encryption_algs
    from asyncssh.kex import get_kex_algs
    from asyncssh.mac import get_mac_algs
    from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

__all__ = [
    "asyncssh",
    "get_default_certificate_algs",
    "get_default_public_key_algs",
    "get_encryption_algs",
    "get_kex_algs",
    "get_mac_algs",
]

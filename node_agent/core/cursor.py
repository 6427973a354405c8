"""The rules for event cursors: a consumer says the last event it has and gets the rest, or learns that it cannot."""

from __future__ import annotations

from typing import NamedTuple

from node_agent.protocol.ids import StoreId


class Resumption(NamedTuple):
    """Where a consumer's events go on: after number `after`. `is_reset`: its cursor could not be honoured."""

    after: int
    is_reset: bool


def resume(store: StoreId, oldest: int, last: int, cursor_store: StoreId, after: int) -> Resumption:
    """Where the consumer of cursor (`cursor_store`, `after`) goes on in a store that keeps `oldest` to `last`.

    An empty `cursor_store` is a consumer without a past: it starts where it asks, which is no reset.
    """
    if cursor_store and cursor_store != store:
        return Resumption(oldest - 1, True)
    if after > last or after < 0:
        return Resumption(oldest - 1, True)
    if after < oldest - 1:
        return Resumption(oldest - 1, bool(cursor_store))
    return Resumption(after, False)

"""A session that prints faster than its screen can be drawn is at work, through the product."""

from __future__ import annotations

from typing import Any

from tests.home import Home


def test_a_flood_is_work_and_its_end_is_known(home: Home) -> None:
    key = home.start("bash", "-c", "read go; yes flood | head -c 60000000; read answer")
    home.wait_for(key, lambda item: item["attention"] == "asking")
    home.ok("send", key, "key:enter")
    seen: list[str] = []

    def has_caught_up(item: Any) -> bool:
        if 10_000 < item["bytes"] < 50_000_000:
            seen.append(item["attention"])
        return bool(item["attention"] == "asking" and item["bytes"] > 60_000_000)

    home.wait_for(key, has_caught_up, 60)
    home.ok("kill", key)
    assert set(seen) == {"working"}

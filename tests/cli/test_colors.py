"""The operator's colours, as programs hear them that ask their terminal."""

from __future__ import annotations

import os
import signal

from tests.home import Home
from tests.processes import is_alive
from tests.waiting import eventually

ASKER = """
import os, select, sys, tty
tty.setraw(0)
for turn in ("first", "second"):
    heard = b""
    while heard.count(b"\\a") < 3 or not heard.endswith(b"n"):  # a question that is over a second old gets no answer
        if not heard:
            os.write(1, b"\\033]10;?\\a\\033]11;?\\a\\033]12;?\\a\\033[?996n")
        if select.select([0], [], [], 2.0)[0]:
            heard += os.read(0, 4096)
    print(turn, heard.decode().replace("\\033", "").replace("\\a", " "), end="\\r\\n", flush=True)
    while b"\\r" not in os.read(0, 4096):
        pass
"""
LIGHT = "]10;rgb:2020/2020/3030 ]11;rgb:fafa/fafa/f0f0 ]12;rgb:2020/2020/3030 [?997;2n"
DARK = "]10;rgb:d0d0/d0d0/d0d0 ]11;rgb:1010/1010/1010 ]12;rgb:d0d0/d0d0/d0d0 [?997;1n"


async def test_a_session_answers_with_the_colours_of_the_config_for_all_its_life(home: Home) -> None:
    plain = home.start("python3", "-c", ASKER)
    home.wait_printed(plain, f"first {DARK}")
    home.config_file.parent.mkdir(exist_ok=True)
    home.config_file.write_text("[ui]\nforeground = '#202030'\nbackground = '#fafaf0'\n")
    light = home.start("python3", "-c", ASKER)
    home.wait_printed(light, f"first {LIGHT}")
    pid = home.json("node", "ls")[0]["agent"]["pid"]
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not is_alive(pid))
    home.config_file.write_text("")  # what was said at the start counts
    for key, colours in ((plain, DARK), (light, LIGHT)):
        home.ok("send", key, "key:enter")
        home.wait_printed(key, f"second {colours}")

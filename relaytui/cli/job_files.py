"""Files of jobs on the command line: what `--send` and `--fetch` mean, and `relaytui job get`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from relaytui.cli.exits import CommandError, Exit
from relaytui.cli.jobs import find_job, opened_queue
from relaytui.config import load_config

if TYPE_CHECKING:
    from relaytui.hub.jobs.model import Job, KeptFile, Transfer
    from relaytui.hub.jobs.queue import JobQueue


def files_to_send(words: Iterable[str]) -> tuple[Transfer, ...]:
    """What `LOCAL[:REMOTE]` words mean; without REMOTE a file keeps its name."""
    return _transfers(words, "--send", lambda local, remote: (local, remote or Path(local).name))


def files_to_fetch(words: Iterable[str]) -> tuple[Transfer, ...]:
    """What `REMOTE[:LOCAL]` words mean; without LOCAL a file keeps its name and comes to the present directory."""
    return _transfers(words, "--fetch", lambda remote, local: (local or PurePosixPath(remote).name, remote))


def _transfers(words: Iterable[str], option: str, meaning: Any) -> tuple[Transfer, ...]:
    from relaytui.hub.jobs.model import Transfer

    found: dict[str, Transfer] = {}
    for word in words:
        first, _, second = word.partition(":")
        local, remote = meaning(first, second)
        if not local or not remote:
            raise click.BadParameter(f"{word!r} names no file", param_hint=option)
        if remote in found:
            raise click.BadParameter(f"{remote} is named twice", param_hint=option)
        found[remote] = Transfer(str(Path(local).expanduser().absolute()), remote)
    return tuple(found.values())


@click.command()
@click.argument("name", metavar="JOB")
@click.argument("paths", metavar="[PATH...]", nargs=-1)
@click.option(
    "--to", "directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Put them here."
)
def get(name: str, paths: tuple[str, ...], directory: Path | None) -> None:
    """Write the files that a job brought back, or those PATHs of them, and print where.

    Each goes where --fetch of its submission said, or with --to into that directory under its own name. What was there
    is replaced.
    """
    with opened_queue() as queue:
        found = find_job(queue, name)
        kept = fetched(queue, found)
        unknown = set(paths) - {each.file.remote for each in kept}
        if unknown or not kept:
            missing = min(unknown) if unknown else "a file"
            raise CommandError(f"job {found.id} has not brought back {missing}; see `job show`", Exit.UNKNOWN_ID)
        if directory is None and found.spec.operator != load_config().operator:
            raise CommandError(f"job {found.id} is {found.spec.operator}'s; say --to where its files go", Exit.USAGE)
        write_fetched(queue, [each for each in kept if not paths or each.file.remote in paths], directory)


def fetched(queue: JobQueue, job: Job) -> list[KeptFile]:
    """What the attempt that ended the job left."""
    from relaytui.hub.jobs.model import Direction

    return [each for each in queue.files(job.id) if each.direction is Direction.FETCH and each.token == job.token]


def write_fetched(
    queue: JobQueue, files: Iterable[KeptFile], directory: Path | None = None, *, told: bool = True
) -> None:
    """Write files where they are to go, or into `directory`, and print where unless `told` is False."""
    from relaytui.hub.jobs.staging import write_out

    for each in files:
        own_name = PurePosixPath(each.file.remote).name
        place = directory / own_name if directory else Path(each.file.local or own_name)
        write_out(queue, each, place)
        if told:
            print(place, flush=True)


def file_json(each: KeptFile) -> dict[str, Any]:
    return {
        "direction": each.direction.value,
        "path": each.file.remote,
        "local": each.file.local,
        "size": each.file.size,
        "sha256": each.file.sha256,
        "kept": each.is_kept,
    }


def file_line(each: KeptFile) -> str:
    """A file as `job show` prints it."""
    word = "sent" if each.direction.value == "send" else "brought back"
    return f"{word}: {each.file.remote}, {size_words(each.file.size)}{'' if each.is_kept else ', not kept any more'}"


def size_words(size: int) -> str:
    """A number of bytes in its largest unit: `3 bytes`, `41 KiB`, `2.5 MiB`."""
    if size < 1024:
        return f"{size} byte{'' if size == 1 else 's'}"
    return f"{size / 1024:.0f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MiB"

"""Whether a host's key is the one on record.

Theory: a key is *trusted* when a known_hosts file holds it for the host (or a certificate authority that signed it),
*unknown* when nothing is on record for the host, *changed* when something else is. Only an unknown key may be accepted,
and only by the operator's word on its fingerprint; for a changed or revoked one there is no way on but editing the
file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from relaytui.link.errors import HostKeyChanged, HostKeyRevoked, HostKeyUnknown, LinkError
from relaytui.link.resolve import SshTarget
from relaytui.link.sshlib import asyncssh, get_default_certificate_algs, get_default_public_key_algs


@dataclass(frozen=True)
class HostRecords:
    """What the known_hosts files hold for one host."""

    own: tuple[asyncssh.SSHKey, ...]  # recorded for exactly this host and port
    portless: tuple[asyncssh.SSHKey, ...]  # for the host alone: they may vouch for a key, never contradict one
    authorities: tuple[asyncssh.SSHKey, ...]
    revoked: tuple[asyncssh.SSHKey, ...]

    @property
    def trusted(self) -> tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]:
        """As asyncssh takes it for `known_hosts`."""
        return [*self.own, *self.portless], list(self.authorities), list(self.revoked)

    def algorithms(self, allowed: Iterable[str] = ()) -> list[str]:
        """Host key algorithms to offer, those on record first: the server then sends the key we can check.

        Certificates are asked for only where an authority is on record: an unrecognised one would hide the plain key.
        """
        names = [name for key in (*self.own, *self.portless) for name in key.sig_algorithms]
        if self.authorities:
            names = [*get_default_certificate_algs(), *names]
        names += get_default_public_key_algs()
        wanted = set(allowed)
        unique = list(dict.fromkeys(name.decode() for name in names))
        return [name for name in unique if not wanted or name in wanted] or unique


def load_records(target: SshTarget) -> HostRecords:
    """Look the host up in all its known_hosts files; lines that cannot be read are skipped, as ssh does. Blocks."""
    known = asyncssh.SSHKnownHosts()
    for name in target.known_hosts:
        try:
            text = Path(name).read_text("utf-8", "replace")
        except OSError:
            continue
        for line in text.splitlines():
            try:
                known.load(line)
            except ValueError:
                continue
    own, authorities, revoked, *_ = known.match(target.record_name, "", None)
    portless: Sequence[asyncssh.SSHKey] = ()
    if target.port != 22 and not target.one("hostkeyalias"):
        portless, _, more, *_ = known.match(target.hostname, "", None)
        revoked = [*revoked, *more]
    return HostRecords(tuple(own), tuple(portless), tuple(authorities), tuple(revoked))


def judge(
    node: str, target: SshTarget, records: HostRecords, offered: asyncssh.SSHKey | None, reason: str
) -> LinkError:
    """Why the host's key was not verified: the error to raise."""
    host = target.record_name
    if "revoked" in reason:
        return HostKeyRevoked(f"{node}: the key of {host} is marked @revoked; refused; ask its administrator")
    if offered is None:
        return HostKeyChanged(f"{node}: the certificate of {host} does not hold: {reason}; refused")
    fingerprint = offered.get_fingerprint()
    if records.own:
        known = ", ".join(key.get_fingerprint() for key in records.own)
        return HostKeyChanged(
            f"{node}: the host key of {host} has changed: it is {fingerprint}, on record is {known}; refused; if it "
            f"was meant to change, remove the old one with `ssh-keygen -R '{host}' -f {target.known_hosts[0]}`"
        )
    kind = offered.get_algorithm()
    return HostKeyUnknown(
        f"{node}: the host key of {host} is unknown: {kind} {fingerprint}; compare it, then "
        f"`relaytui node trust {node}`, or before it is added `node add` with --accept-key SHA256:…",
        host=_hashed(host) if target.is_on("hashknownhosts", default=False) else host,
        key=offered.export_public_key().decode().strip(),
        fingerprint=fingerprint,
        known_hosts=target.known_hosts[0],
    )


def accept(question: HostKeyUnknown) -> None:
    """Put the key on record, the operator having said yes to its fingerprint. Blocks; raises HostKeyUnknown again
    where the file cannot be written.
    """
    try:
        _append(Path(question.known_hosts), question)
    except OSError as error:
        raise HostKeyUnknown(
            f"the host key {question.fingerprint} cannot be put on record in {question.known_hosts}: "
            f"{error.strerror or error}; make that file writable",
            host=question.host,
            key=question.key,
            fingerprint=question.fingerprint,
            known_hosts=question.known_hosts,
        ) from error


def _append(path: Path, question: HostKeyUnknown) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kind, data = question.key.split()[:2]
    line = f"{question.host} {kind} {data}\n".encode()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = b"\n" + line
        os.write(handle, line)
    finally:
        os.close(handle)


def _hashed(host: str) -> str:
    """The name as ssh hides it with HashKnownHosts: HMAC-SHA1 under a salt of its own."""
    salt = os.urandom(20)
    digest = hmac.new(salt, host.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"

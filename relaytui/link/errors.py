"""What can go wrong with a link, one class a case a caller or a script must tell apart.

Each message is one line: what failed, why, what to do. `exit_code` is what a command ends with; its values never
change.
"""

from __future__ import annotations

from typing import ClassVar


class LinkError(Exception):
    """Base of all; `needs_operator` means that trying again by itself is useless or harmful."""

    exit_code: ClassVar[int] = 20
    needs_operator: ClassVar[bool] = False


class UnknownHost(LinkError):
    exit_code = 21


class ConnectionRefused(LinkError):
    exit_code = 22


class HostUnreachable(LinkError):
    exit_code = 23


class ConnectTimedOut(LinkError):
    """Nothing answered at the address, or the login did not finish in time."""

    exit_code = 24


class HostKeyUnknown(LinkError):
    """The host's key is not on record; `link.hostkeys.accept` stores it on the operator's word."""

    exit_code = 25
    needs_operator = True

    def __init__(self, message: str, *, host: str, key: str, fingerprint: str, known_hosts: str) -> None:
        super().__init__(message)
        self.host = host  # as it stands in known_hosts: `name` or `[name]:port`
        self.key = key  # "ssh-ed25519 AAAA..."
        self.fingerprint = fingerprint  # "SHA256:..."
        self.known_hosts = known_hosts  # the file that would hold it


class HostKeyChanged(LinkError):
    """The host answers with another key than the one on record: refused, whoever asks."""

    exit_code = 26
    needs_operator = True


class HostKeyRevoked(LinkError):
    exit_code = 27
    needs_operator = True


class AuthenticationFailed(LinkError):
    exit_code = 28
    needs_operator = True


TOO_MANY = "Too many authentication failures"
"""What sshd says when it ends a login early: it counts each key that is offered (`MaxAuthTries`)."""

TOO_MANY_ADVICE = "it has enough of our keys and refuses; name the right one: set identity, and IdentitiesOnly"


class PassphraseNeeded(LinkError):
    """An encrypted key, and nobody to ask for its passphrase."""

    exit_code = 29
    needs_operator = True


class AnswerNeeded(LinkError):
    """The server asks for a password or a code, and there is nobody to ask."""

    exit_code = 30
    needs_operator = True


class AgentMissing(LinkError):
    exit_code = 31
    needs_operator = True


class AgentTooOld(LinkError):
    exit_code = 32
    needs_operator = True


class AgentTooNew(LinkError):
    exit_code = 33
    needs_operator = True


class AgentFailed(LinkError):
    """The agent is there but did not start: its own one line is in the message."""

    exit_code = 34


class NetworkFileSystem(AgentFailed):
    """The node's state directory is where neither locks nor SQLite can be trusted."""

    exit_code = 42
    needs_operator = True


class StateUnusable(AgentFailed):
    """The node's state directory cannot be made, written to, or kept from others."""

    exit_code = 43
    needs_operator = True


class NodeDiskFull(AgentFailed):
    exit_code = 44


class PythonMissing(LinkError):
    """The machine has no Python that can run the agent."""

    exit_code = 45
    needs_operator = True


class InstallFailed(LinkError):
    """The agent could not be put in place there."""

    exit_code = 46
    needs_operator = True


class ForwardingForbidden(LinkError):
    """sshd lets us reach neither the agent's socket nor its bridge."""

    exit_code = 35
    needs_operator = True


class AgentUnreachable(LinkError):
    """Nobody listens on the agent's socket."""

    exit_code = 36


class ProtocolBroken(LinkError):
    """What came is not the protocol: garbage, or a length over the limit."""

    exit_code = 37


class LinkLost(LinkError):
    """The link broke. What was sent but not acknowledged is unconfirmed."""

    exit_code = 38


class RequestTimedOut(LinkError):
    exit_code = 39


class SshConfigInvalid(LinkError):
    exit_code = 40
    needs_operator = True


class NotConnected(LinkError):
    """There is no link at the moment; the message says why and when the next try is."""

    exit_code = 41

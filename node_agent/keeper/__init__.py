"""The keeper: the one process that holds PTY masters, and the protocol it is told what to do in.

It spawns, reads terminals into journals, writes input, resizes, signals and reaps; it keeps the agent alive and
replaces itself in place. It must not know what the bytes mean, and it imports the standard library, `journal` and the
plain enums of `protocol` alone: its memory is paid on every machine, all day.
"""

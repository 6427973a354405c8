"""A session's output on disk: raw bytes in segments with an index beside each, offsets absolute and never reused.

It must not know what the bytes mean, and it reads no clock: times are handed in. Only the keeper writes; anybody with
the right to the files may read at the same time.
"""

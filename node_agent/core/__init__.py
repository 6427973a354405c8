"""What an agent knows and decides, without sockets, clocks or processes: time comes in, decisions come out."""

"""Jobs: queued sessions placed by capability. Requirement language, placement, states, queue backends, dispatch."""

"""Tag more pictures than one machine can: shards of work, a worker function, and engines that run it."""

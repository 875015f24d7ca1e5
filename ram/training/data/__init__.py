"""Training data: from files and shards to batches."""

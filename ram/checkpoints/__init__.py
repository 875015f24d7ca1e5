"""Published models, model folders, and official checkpoints."""

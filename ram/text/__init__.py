"""Tags, their descriptions, and the bank of their embeddings."""

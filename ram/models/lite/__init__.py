"""Parts that only the small models use; the official variants import nothing of them."""

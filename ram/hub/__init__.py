"""Model folders as repositories of the Hugging Face hub: fetched, described by a card, and uploaded."""

"""The data engine of RAM: generated tags and cleaning."""

"""The papers' figures, drawn from our own runs."""

"""Export: predictions as files for other programs."""

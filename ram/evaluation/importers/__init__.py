"""Read the papers' benchmarks from the files that their makers publish."""

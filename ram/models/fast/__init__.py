"""The same numbers with less work: each part has a plain twin and a test of equality."""

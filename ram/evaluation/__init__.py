"""Measure a tagger: metrics of scores against annotations, and the benchmarks that bring the annotations."""

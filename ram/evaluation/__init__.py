"""Evaluation: metrics, benchmarks, retrieval and calibration."""

"""Descriptions by any OpenAI-compatible chat endpoint."""

"""Describer that asks a language model behind an OpenAI-compatible chat endpoint."""

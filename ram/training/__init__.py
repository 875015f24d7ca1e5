"""Training: a recipe names data, model and objectives; one loop runs it."""

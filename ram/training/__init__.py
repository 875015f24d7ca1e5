"""Training: a recipe names model, data and objectives; one loop runs it."""

"""Between the page and the network: start, gate, visitors, limits, health, uploads."""

"""What stands between the page and the network: queue gate, limits, health, uploads."""

"""The page without a server: built into a folder that any static host serves."""

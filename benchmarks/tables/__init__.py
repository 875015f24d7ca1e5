"""The papers' tables: their figures quoted, and ours at lite scale below them."""

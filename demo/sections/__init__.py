"""The sections of the page, a tab each: layout and wiring. What happens is in plain functions outside."""

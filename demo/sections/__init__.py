"""The page's tabs and panels: layout and wiring; what their controls do is in `demo.core`."""

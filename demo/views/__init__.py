"""The page's looks: Jinja2 templates, style sheets and scripts, and the functions that fill them with values."""

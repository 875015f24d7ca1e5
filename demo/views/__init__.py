"""How the page looks: markup, styles, scripts and plots."""

"""Actions of the page's controls: plain functions and values, without gradio and without HTML."""

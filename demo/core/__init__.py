"""What the page's controls do: plain functions and values, without gradio and without HTML."""

"""What a control of the page does: plain functions and values, no gradio and no HTML."""

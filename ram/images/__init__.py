"""Images: open untrusted files, transform, read ahead."""

"""Images: their documents, their layers, and what is done with both."""

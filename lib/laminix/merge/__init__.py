"""An image put on a parent image."""

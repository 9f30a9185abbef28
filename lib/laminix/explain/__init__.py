"""What is in an image and why, and what differs between two images."""

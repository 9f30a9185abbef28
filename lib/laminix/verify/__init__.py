"""What is wrong with an image, found from its bytes."""

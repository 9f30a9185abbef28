"""Software bills of materials of images and closures."""

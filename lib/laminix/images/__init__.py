"""Images: manifests, configs, references, platforms, and the bytes of stored layers."""

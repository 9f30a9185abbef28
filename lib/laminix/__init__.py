"""The library behind laminix's builders of container images."""

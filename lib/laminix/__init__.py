"""Container images in layers: the library behind laminix's builders."""

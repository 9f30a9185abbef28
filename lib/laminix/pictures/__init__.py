"""Pictures of bytes: treemaps as SVG files that need nothing else."""

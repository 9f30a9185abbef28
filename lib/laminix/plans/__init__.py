"""Plans: which store paths share a layer, and what that costs."""

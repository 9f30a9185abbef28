"""Plans: which store paths share a layer, and how much an update then transfers."""

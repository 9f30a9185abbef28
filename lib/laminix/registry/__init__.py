"""Registries as clients see them: the OCI distribution specification 1.1, its connections and authentication."""

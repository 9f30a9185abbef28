"""Commands run as root of a merged tree, without privileges: the recording tracer and what it stands on."""

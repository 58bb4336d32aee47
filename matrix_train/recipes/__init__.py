"""Training recipes: one TOML file for each arm of the comparison, complete, so that nothing but the file differs."""

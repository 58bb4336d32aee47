"""Videos of a base or an adapter: a pipeline called with id map and guidance, for the command line and `intergeneval run`."""

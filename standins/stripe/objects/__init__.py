"""The resources of the API, one module each: its shape, and the routes it has."""

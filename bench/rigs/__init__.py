"""What the benches measure with: servers, a simulated line, the engine without the service."""

"""What pytest is given: a marker and a fixture."""

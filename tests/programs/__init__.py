"""Programs that tests compile and look at."""

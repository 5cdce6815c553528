"""What holds for the project as a whole: architecture, README, the scoring of classification."""

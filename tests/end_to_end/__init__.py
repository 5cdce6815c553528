"""The installed command on real processes, held against other tools and against itself."""

"""Memory of language runtimes and allocators, one module for each."""

"""From bytes as the kernel wrote them to a snapshot; one module for each kernel file."""

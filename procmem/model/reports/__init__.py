"""What the analyses give: one module for each report, plain figures in bytes."""

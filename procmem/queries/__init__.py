"""What commands ask: each module reads, classifies, analyses and gives one report; it holds calls only."""

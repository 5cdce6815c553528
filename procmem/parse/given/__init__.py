"""The texts that people have instead of files of /proc: one reader for each form, found by what stands in them."""

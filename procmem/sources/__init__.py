"""Where processes come from: this machine, another proc tree, or a recording."""

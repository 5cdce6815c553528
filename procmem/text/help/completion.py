"""The help of ``procmem completion``."""

from procmem.text import N_

__all__ = ["EPILOG", "HELP"]

HELP = N_("Print what a shell needs to complete procmem's commands, options, pids and names.")
EPILOG = N_("""\b
Examples:
  eval "$(procmem completion bash)"          in ~/.bashrc
  eval "$(procmem completion zsh)"           in ~/.zshrc, behind compinit
  procmem completion fish | source           in config.fish
""")

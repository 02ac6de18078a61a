"""One file for each trainer, over `emosim.rollouts`; nothing of emosim imports them, and each needs its own package."""

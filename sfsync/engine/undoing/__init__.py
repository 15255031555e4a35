"""Plans and carries out the taking back of a run, around what others have touched since."""

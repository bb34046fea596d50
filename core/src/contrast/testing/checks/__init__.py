"""What every plugin must show: its door and settings, its parts, its runs."""

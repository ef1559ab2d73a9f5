"""What all programs share: arguments, signals, threads, devices, files."""

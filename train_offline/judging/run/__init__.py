"""A submission as a process or a container, run and watched from outside."""

"""The GPU path without a GPU: what can be said of it before it runs on one."""

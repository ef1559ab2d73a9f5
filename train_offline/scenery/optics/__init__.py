"""Between the surface and the file: atmosphere and sensor."""

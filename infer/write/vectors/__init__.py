"""Ice as polygons: traced from masks, measured on the ellipsoid, in one file for a folder."""

"""Ice, water and land: what a scene is made of."""

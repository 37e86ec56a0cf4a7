"""HTTP: what callers may ask of the factory, and how they are answered."""

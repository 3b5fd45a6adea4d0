"""Everything that interprets. In: a sealed bundle. Out: a diagnosis and a dossier. Touches nothing but the bundle."""

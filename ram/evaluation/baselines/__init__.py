"""Other ways to tag, behind one protocol, to compare models with."""

"""Steps that are made to fail, and how they are judged."""

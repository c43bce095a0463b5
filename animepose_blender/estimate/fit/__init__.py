"""The whole-clip solve: one skeleton of constant bones that explains all that is known of a person in all frames."""

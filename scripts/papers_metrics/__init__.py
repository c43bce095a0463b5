"""What the papers' networks are judged by, while they are trained and in the tables."""

"""What the scripts that train networks share."""

"""How sure a take is of what its people do, on the bones that do it."""

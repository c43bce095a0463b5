"""What a person sees of presets and of the weight store: which networks an estimate uses, which are here, and how they
come and go."""

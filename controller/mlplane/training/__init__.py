"""The small SDK that a user's training script imports."""

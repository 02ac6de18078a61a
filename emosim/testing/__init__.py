"""What emosim ships to test agents, users and environments with."""

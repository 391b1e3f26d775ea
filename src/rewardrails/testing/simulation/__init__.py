"""The engine on a virtual clock: real SQL, simulated rails, and a seed that decides what happens next."""

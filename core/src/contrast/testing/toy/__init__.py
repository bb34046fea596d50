"""The smallest complete plugin: two noisy views of points in the plane of a few clusters."""

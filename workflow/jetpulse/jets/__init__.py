"""Jets: simulation, detector, readers, kinematics and images; pure functions on arrays."""

"""Problems with known answers: small samples, and the trigger on a stream of pulses."""

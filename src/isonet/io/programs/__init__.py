"""Files of other programs: what they tell about tilt series, particles and areas."""

"""Training on several devices: equality of the results with one device, and memory per device."""

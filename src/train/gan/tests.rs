//! Facts about adversarial training.

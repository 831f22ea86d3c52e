//! Facts about the pickle machine.

//! What operations keep of a problem from one linearisation to the next.

use std::any::Any;

/// Something of one operation's.
pub(crate) type Kept = Option<Box<dyn Any + Send>>;

/// What the operations keep of one problem, so that its next linearisation costs less. Losing it
/// changes nothing but rounding; a copy is empty.
#[derive(Default)]
pub struct Memory {
    kept: Vec<(usize, Kept)>,
}

impl Memory {
    /// Takes what the operation at a step of the program keeps.
    pub(crate) fn take(&mut self, step: usize) -> Kept {
        let found = self.kept.iter_mut().find(|(at, _)| *at == step);
        found.and_then(|(_, kept)| kept.take())
    }

    pub(crate) fn put(&mut self, step: usize, new: Kept) {
        match self.kept.iter_mut().find(|(at, _)| *at == step) {
            Some((_, kept)) => *kept = new,
            None => self.kept.push((step, new)),
        }
    }
}

impl Clone for Memory {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

//! What an operation of the graph declares: values forward, gradients backward, tangents forward.

use smallvec::SmallVec;

use super::Scalar;
use super::directions::{Directions, block_tangents, dense_tangents};
use super::number::{Lanes, Number, Work, dispatch};

/// One for each input, of which there are few.
pub(crate) type Few<T> = SmallVec<[T; 8]>;

/// Where a derivative is taken: the inputs and the output.
#[derive(Clone, Copy)]
pub(crate) struct At<'a, T> {
    pub x: &'a [&'a [T]],
    pub y: &'a [T],
}

/// A differentiable map of rows to rows, written once over the number: one frame's, or that of
/// sixteen frames that lie side by side.
///
/// A frame's result depends on that frame's numbers alone and is computed in the same order in any
/// company, so that it has the same bits there. NaN goes through: what is not observed is masked in
/// the terms, never here. Everything that these functions call is `#[inline(always)]`, or it is not
/// compiled for the processor's widest instructions.
pub(crate) trait Kernel<E: Scalar>: Send + Sync {
    fn out_dims(&self) -> usize;

    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]);

    /// gx += Jᵀ gy for each input that wants its gradient.
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]);

    /// (m, n) where every n numbers of the only input make the same m of the output, and no others; what
    /// the input has beyond is not read.
    fn blocks(&self) -> Option<(usize, usize)> {
        None
    }

    /// Which numbers of the output change with the given ones of the inputs.
    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let Some((m, n)) = self.blocks() else {
            return vec![true; self.out_dims()];
        };
        let blocks = moved[0].unwrap_or_default().chunks_exact(n);
        let blocks = blocks.take(self.out_dims() / m);
        blocks.flat_map(|b| vec![b.contains(&true); m]).collect()
    }

    /// Whether its Jacobian is the same everywhere.
    fn is_linear(&self) -> bool {
        false
    }

    /// Whether its tangents use what they kept of a frame.
    fn remembers(&self) -> bool {
        false
    }

    /// How many frames, from its own on, a frame's result reads.
    fn neighbours(&self) -> usize {
        1
    }

    /// dy = J dx in many directions at once.
    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>)
    where
        Self: Sized,
    {
        match self.blocks() {
            Some(blocks) => block_tangents(self, blocks, at, directions),
            None => dense_tangents(self, at, directions),
        }
    }
}

/// A [`Kernel`] on [`LANES`](super::LANES) frames, compiled for this processor.
pub(crate) trait Operation<E: Scalar>: Send + Sync {
    fn out_dims(&self) -> usize;

    /// Inputs and output are (dims, LANES).
    fn forward(&self, x: &[&[E]], y: &mut [E]);

    fn adjoint(&self, x: &[&[E]], y: &[E], gy: &[E], gx: &mut [Option<&mut [E]>]);

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool>;

    fn is_linear(&self) -> bool;

    fn remembers(&self) -> bool;

    fn neighbours(&self) -> usize;

    fn tangents(&self, x: &[&[E]], y: &[E], directions: Directions<'_, E>);
}

struct Forward<'a, K, E> {
    kernel: &'a K,
    x: &'a [&'a [E]],
    y: &'a mut [E],
}

impl<E: Scalar, K: Kernel<E>> Work for Forward<'_, K, E> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: u8>(self) {
        let x: Few<&[Lanes<E, WIDTH>]> = self.x.iter().map(|x| Lanes::of_row(x)).collect();
        self.kernel.forward(&x, Lanes::of_row_mut(self.y));
    }
}

struct Adjoint<'a, 'g, K, E> {
    kernel: &'a K,
    x: &'a [&'a [E]],
    y: &'a [E],
    gy: &'a [E],
    gx: &'a mut [Option<&'g mut [E]>],
}

impl<E: Scalar, K: Kernel<E>> Work for Adjoint<'_, '_, K, E> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: u8>(self) {
        let x: Few<&[Lanes<E, WIDTH>]> = self.x.iter().map(|x| Lanes::of_row(x)).collect();
        let wanted = self.gx.iter_mut().map(|g| g.as_deref_mut());
        let mut gx: Few<_> = wanted.map(|g| g.map(|g| Lanes::of_row_mut(g))).collect();
        let y = Lanes::of_row(self.y);
        self.kernel
            .adjoint(At { x: &x, y }, Lanes::of_row(self.gy), &mut gx);
    }
}

struct Tangents<'a, K, E> {
    kernel: &'a K,
    x: &'a [&'a [E]],
    y: &'a [E],
    directions: Directions<'a, E>,
}

impl<E: Scalar, K: Kernel<E>> Work for Tangents<'_, K, E> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: u8>(self) {
        let x: Few<&[Lanes<E, WIDTH>]> = self.x.iter().map(|x| Lanes::of_row(x)).collect();
        let dx = self.directions.dx.iter();
        let dx: Few<Option<&[Lanes<E, WIDTH>]>> = dx.map(|x| x.map(Lanes::of_row)).collect();
        let directions = Directions {
            plan: self.directions.plan,
            dx: &dx,
            dy: Lanes::of_row_mut(self.directions.dy),
            used: self.directions.used,
            memory: self.directions.memory,
        };
        let y = Lanes::of_row(self.y);
        self.kernel.tangents(At { x: &x, y }, directions);
    }
}

impl<E: Scalar, K: Kernel<E>> Operation<E> for K {
    fn out_dims(&self) -> usize {
        Kernel::out_dims(self)
    }

    fn forward(&self, x: &[&[E]], y: &mut [E]) {
        dispatch(Forward { kernel: self, x, y });
    }

    fn adjoint(&self, x: &[&[E]], y: &[E], gy: &[E], gx: &mut [Option<&mut [E]>]) {
        let kernel = self;
        dispatch(Adjoint {
            kernel,
            x,
            y,
            gy,
            gx,
        });
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        Kernel::reach(self, moved)
    }

    fn is_linear(&self) -> bool {
        Kernel::is_linear(self)
    }

    fn remembers(&self) -> bool {
        Kernel::remembers(self)
    }

    fn neighbours(&self) -> usize {
        Kernel::neighbours(self)
    }

    fn tangents(&self, x: &[&[E]], y: &[E], directions: Directions<'_, E>) {
        let kernel = self;
        dispatch(Tangents {
            kernel,
            x,
            y,
            directions,
        });
    }
}

//! What an operation of the graph declares: values forward, gradients backward, row by row.

/// Which frames the rows of a batch stand for.
///
/// The first `core` rows are counted in costs; rows after them are neighbours that a term along
/// frames reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub frames: &'a [usize],
    pub core: usize,
}

/// An input of a batch: (rows, dims), or one row that stands for all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a, E> {
    pub data: &'a [E],
    pub dims: usize,
    pub rows: usize,
}

impl<'a, E> Value<'a, E> {
    #[inline]
    pub fn row(&self, i: usize) -> &'a [E] {
        let i = if self.rows == 1 { 0 } else { i };
        &self.data[i * self.dims..(i + 1) * self.dims]
    }
}

/// Where an operation adds the gradient of one input, shaped like that input.
#[derive(Debug)]
pub(crate) struct Gradient<'a, E> {
    pub data: &'a mut [E],
    pub dims: usize,
    pub rows: usize,
}

impl<E> Gradient<'_, E> {
    #[inline]
    pub fn row(&mut self, i: usize) -> &mut [E] {
        let i = if self.rows == 1 { 0 } else { i };
        &mut self.data[i * self.dims..(i + 1) * self.dims]
    }
}

/// A differentiable map of rows to rows.
///
/// A row of the output depends on the same row of the inputs alone and is computed in the same
/// order whatever the batch, so that a frame's result has the same bits in any company. NaN goes
/// through: what is not observed is masked in the terms, never here.
pub(crate) trait Operation<E>: Send + Sync {
    fn out_dims(&self) -> usize;

    fn forward(&self, i: usize, inputs: &[Value<'_, E>], out: &mut [E]);

    /// Adds to the gradient of each input that wants one.
    fn backward(
        &self,
        i: usize,
        inputs: &[Value<'_, E>],
        out: &[E],
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    );

    /// All rows; an operation that gains from seeing them together says how.
    fn forward_rows(&self, rows: usize, inputs: &[Value<'_, E>], out: &mut [E]) {
        let dims = self.out_dims();
        for i in 0..rows {
            self.forward(i, inputs, &mut out[i * dims..(i + 1) * dims]);
        }
    }

    /// As [`Operation::backward`], for all rows.
    fn backward_rows(
        &self,
        inputs: &[Value<'_, E>],
        out: Value<'_, E>,
        out_gradient: &[E],
        gradients: &mut [Option<Gradient<'_, E>>],
    ) {
        for i in 0..out.rows {
            let range = i * out.dims..(i + 1) * out.dims;
            self.backward(
                i,
                inputs,
                &out.data[range.clone()],
                &out_gradient[range],
                gradients,
            );
        }
    }
}

/// A loss term: the cost of each core row in f64, and its gradient in the same sweep.
pub(crate) trait CostOperation<E>: Send + Sync {
    /// `costs` has one entry for each core row; `gradient` is shaped like `input` and starts at zero.
    fn evaluate(
        &self,
        rows: Rows<'_>,
        input: Value<'_, E>,
        costs: &mut [f64],
        gradient: Gradient<'_, E>,
    );
}

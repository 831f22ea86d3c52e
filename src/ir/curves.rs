//! Terms that are a model less a column of a table, so that both can be drawn.

use super::NodeId;

/// A residual model − column, or column − model.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The residual.
    pub node: NodeId,
    /// The column.
    pub observed: NodeId,
    /// 1 where the model stands first, else −1.
    pub sign: f64,
    /// The only other column that the residual reads, where there is just one.
    pub along: Option<NodeId>,
}

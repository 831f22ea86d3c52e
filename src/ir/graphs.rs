//! Places that rows tie to each other two by two, so that they can be drawn.

use std::sync::Arc;

use super::{Node, NodeKind, Per, SetId, Variable, VariableId};

/// A variable of two or three numbers for each element of a set, and the pairs of elements that rows read.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    pub variable: VariableId,
    pub edges: Vec<[u32; 2]>,
}

/// The graphs of a problem.
pub(crate) fn graphs(nodes: &[Node], variables: &[Variable]) -> Vec<Graph> {
    let places = variables.iter().enumerate().filter(|(_, v)| {
        let numbers = v.manifold.ambient();
        v.manifold.is_flat() && (numbers == 2 || numbers == 3) && matches!(v.per, Per::Row(_))
    });
    let graph = |(i, _): (usize, &Variable)| Graph {
        variable: VariableId(i),
        edges: edges(nodes, VariableId(i)),
    };
    places.map(graph).filter(|g| !g.edges.is_empty()).collect()
}

/// Of each table the first two ways in which its rows refer to a variable.
fn edges(nodes: &[Node], variable: VariableId) -> Vec<[u32; 2]> {
    let mut ways: Vec<(SetId, &Arc<Vec<u32>>)> = Vec::new();
    for node in nodes {
        if let NodeKind::Taken { of, over, rows } = &node.kind
            && *of == variable
        {
            ways.push((*over, rows));
        }
    }
    ways.sort_by_key(|(over, _)| *over);
    let tables = ways.chunk_by(|a, b| a.0 == b.0);
    let pairs = tables.filter_map(|ways| Some((ways.first()?.1, ways.get(1)?.1)));
    let edges = pairs.flat_map(|(from, to)| from.iter().zip(to.iter()));
    edges.map(|(from, to)| [*from, *to]).collect()
}

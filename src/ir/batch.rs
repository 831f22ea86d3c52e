//! Index sets whose elements are problems of their own, such as the samples of many curves.

use std::sync::Arc;

use super::{IndexSet, Node, NodeId, NodeKind, Per, Residual, SetId, Term, Variable};

/// Which element of a set each row of another, or of the set itself, reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reads {
    Own,
    Taken(Arc<Vec<u32>>),
}

impl Reads {
    pub fn element(&self, row: usize) -> usize {
        match self {
            Self::Own => row,
            Self::Taken(rows) => rows[row] as usize,
        }
    }
}

/// The set over which everything falls apart: all variables are its elements' own, and every row of
/// every term reads those of one.
pub(crate) fn batch<'t>(
    sets: &[IndexSet],
    variables: &[Variable],
    nodes: &[Node],
    terms: impl Iterator<Item = &'t Term>,
) -> Option<SetId> {
    let Per::Row(set) = variables.first()?.per else {
        return None;
    };
    let own = |v: &Variable| v.per == Per::Row(set) && v.held.is_empty();
    // Elements stand for frames, whose numbers are not below zero.
    let numbered = sets[set.0].ids.iter().all(|id| *id >= 0);
    if !numbered || !variables.iter().all(own) {
        return None;
    }
    // Terms over one table are worked off together, so that they refer by the same column.
    let mut of_tables: Vec<(Per, Reads)> = Vec::new();
    for term in terms {
        let per = nodes[term.node.0].per;
        let (Per::Row(_), Some(reads)) = (per, reads(nodes, variables, term.node, set)) else {
            return None;
        };
        match of_tables.iter().find(|(table, _)| *table == per) {
            Some((_, known)) if *known != reads => return None,
            Some(_) => {}
            None => of_tables.push((per, reads)),
        }
    }
    Some(set)
}

/// For each element whether a term has a row of it.
pub(crate) fn observed<'t>(
    (set, elements): (SetId, usize),
    variables: &[Variable],
    nodes: &[Node],
    terms: impl Iterator<Item = &'t Term>,
) -> Vec<bool> {
    let mut seen = vec![false; elements];
    for term in terms {
        let reads = reads(nodes, variables, term.node, set);
        if let (Some(reads), Residual::Rows { weights, .. }) = (reads, &term.residual) {
            let rows = (0..weights.len()).filter(|row| weights[*row] > 0.0);
            rows.for_each(|row| seen[reads.element(row)] = true);
        }
    }
    seen
}

/// How the rows of a node read a set's variables; `None` where they read none, or several elements.
pub(crate) fn reads(
    nodes: &[Node],
    variables: &[Variable],
    node: NodeId,
    set: SetId,
) -> Option<Reads> {
    let of_set = |id: &super::VariableId| variables[id.0].per == Per::Row(set);
    let mut found: Option<Reads> = None;
    let mut open = vec![node];
    let mut seen = vec![false; nodes.len()];
    while let Some(id) = open.pop() {
        if std::mem::replace(&mut seen[id.0], true) {
            continue;
        }
        let kind = &nodes[id.0].kind;
        open.extend(kind.inputs());
        let way = match kind {
            NodeKind::Variable(id) if of_set(id) => Reads::Own,
            NodeKind::Taken { of, rows, .. } if of_set(of) => Reads::Taken(Arc::clone(rows)),
            _ => continue,
        };
        if found.get_or_insert_with(|| way.clone()) != &way {
            return None;
        }
    }
    found
}

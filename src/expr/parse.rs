//! Tokens to a tree, by operator precedence; every mistake is noted and read past.

use std::ops::Range;

use super::Mistake;
use super::lex::{Token, WORDS, foreign_word, tokens};
use crate::spec::{Dimension, parse_unit};

/// A part of an expression with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    pub kind: Kind,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Number(f64, Dimension),
    Name(String),
    Label(String),
    Negate(Box<Expression>),
    /// An operator or a comparison between two parts.
    Between(&'static str, Box<[Expression; 2]>),
    Call(String, Vec<Expression>),
    Index(Box<Expression>, Vec<Expression>),
    /// `table.column`, or components such as `.xy`.
    Field(Box<Expression>, String),
    Let(Vec<(String, Range<usize>, Expression)>, Box<Expression>),
    /// Something that was not understood, which was reported.
    Wrong,
}

impl Expression {
    /// The two parts of a difference, after what `let` defines.
    pub fn difference(&self) -> Option<&[Expression; 2]> {
        match &self.kind {
            Kind::Let(_, body) => body.difference(),
            Kind::Between("-", parts) => Some(parts),
            _ => None,
        }
    }

    /// The whole number that it is, where it is nothing else.
    pub fn whole(&self) -> Option<usize> {
        match self.kind {
            Kind::Number(x, Dimension::NONE) if x >= 0.0 && x.fract() == 0.0 && x < 1e9 => {
                Some(x as usize)
            }
            _ => None,
        }
    }

    /// Frames that `next` goes ahead in it at most.
    pub fn most_ahead(&self) -> usize {
        let most = |parts: &[Self]| parts.iter().map(Self::most_ahead).max().unwrap_or(0);
        match &self.kind {
            Kind::Name(_) | Kind::Number(..) | Kind::Label(_) | Kind::Wrong => 0,
            Kind::Negate(inner) | Kind::Field(inner, _) => inner.most_ahead(),
            Kind::Between(_, parts) => most(&**parts),
            Kind::Call(name, parts) => {
                let frames = parts.get(1).map_or(Some(1), Self::whole).unwrap_or(1);
                most(parts) + if name == "next" { frames } else { 0 }
            }
            Kind::Index(of, parts) => of.most_ahead().max(most(parts)),
            Kind::Let(definitions, body) => {
                let values = definitions.iter().map(|(.., value)| value.most_ahead());
                values.fold(body.most_ahead(), usize::max)
            }
        }
    }

    /// The name that it is, where it is nothing else.
    pub fn alone(&self) -> Option<&str> {
        match &self.kind {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The names that stand alone in it: of columns, variables and what `let` defines.
    pub fn names(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Name(name) => vec![name],
            Kind::Number(..) | Kind::Label(_) | Kind::Wrong => Vec::new(),
            Kind::Negate(inner) => inner.names(),
            Kind::Field(inner, _) => match inner.kind {
                Kind::Name(_) => Vec::new(),
                _ => inner.names(),
            },
            Kind::Between(_, parts) => parts.iter().flat_map(Self::names).collect(),
            Kind::Call(_, parts) => parts.iter().flat_map(Self::names).collect(),
            Kind::Index(of, parts) => {
                let parts = parts.iter().flat_map(Self::names);
                of.names().into_iter().chain(parts).collect()
            }
            Kind::Let(definitions, body) => {
                let values = definitions.iter().flat_map(|(_, _, value)| value.names());
                let defined = |name: &&str| definitions.iter().any(|(n, ..)| n == name);
                values.chain(body.names()).filter(|n| !defined(n)).collect()
            }
        }
    }
}

/// Operators with how strongly they bind to the left and to the right.
const OPERATORS: [(&str, u8, u8); 10] = [
    ("<", 1, 2),
    (">", 1, 2),
    ("<=", 1, 2),
    (">=", 1, 2),
    ("==", 1, 2),
    ("+", 3, 4),
    ("-", 3, 4),
    ("*", 5, 6),
    ("/", 5, 6),
    ("^", 10, 9),
];
/// How strongly a minus binds what follows: −x² is −(x²), and −a·b is (−a)·b.
const MINUS: u8 = 8;
/// Brackets within brackets beyond which nothing is read.
const DEEPEST: usize = 100;
/// Parts of an expression beyond which nothing is read.
const MOST_PARTS: usize = 2000;

/// The tree of an expression, as far as it is one.
pub(crate) fn parse(text: &str, mistakes: &mut Vec<Mistake>) -> Expression {
    let tokens = tokens(text, mistakes);
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        parts: 0,
        in_let: false,
        gave_up: false,
        mistakes,
    };
    parser.whole()
}

struct Parser<'a> {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
    /// Parts that were read.
    parts: usize,
    /// Whether the end of a line ends what is read.
    in_let: bool,
    /// Whether the rest is passed over.
    gave_up: bool,
    mistakes: &'a mut Vec<Mistake>,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].1.clone()
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        if found {
            self.next();
        }
        found
    }

    fn skip_lines(&mut self) {
        while *self.peek() == Token::Line || matches!(self.peek(), Token::Sign(";")) {
            self.next();
        }
    }

    fn fail(&mut self, span: Range<usize>, message: impl Into<String>) {
        if self.gave_up {
            return;
        }
        self.mistakes.push(Mistake::new(&span, message));
    }

    fn whole(&mut self) -> Expression {
        let begun = self.span().start;
        let mut names = Vec::new();
        self.skip_lines();
        while *self.peek() == Token::Name("let".into()) {
            self.next();
            names.extend(self.definition());
            self.skip_lines();
        }
        let body = self.expression(0);
        self.skip_lines();
        if *self.peek() != Token::End {
            let span = self.span();
            let message = match self.peek() {
                Token::Name(_) | Token::Number(_) => "an operator is missing before this",
                _ => "the expression should end before this",
            };
            self.fail(span, message);
        }
        let span = begun..body.span.end;
        match names.is_empty() {
            true => body,
            false => Expression {
                kind: Kind::Let(names, body.into()),
                span,
            },
        }
    }

    /// `name = …` after `let`.
    fn definition(&mut self) -> Option<(String, Range<usize>, Expression)> {
        let span = self.span();
        let Token::Name(name) = self.next() else {
            self.fail(span, "`let` should be followed by a name");
            return None;
        };
        if !self.takes("=") {
            let here = self.span();
            self.fail(here, format!("`let {name}` should be followed by `=`"));
        }
        self.in_let = true;
        let value = self.expression(0);
        self.in_let = false;
        if !matches!(self.peek(), Token::Line | Token::Sign(";") | Token::End) {
            let here = self.span();
            self.fail(
                here,
                format!("the line of `let {name}` should end before this"),
            );
            while !matches!(self.peek(), Token::Line | Token::Sign(";") | Token::End) {
                self.next();
            }
        }
        Some((name, span, value))
    }

    fn expression(&mut self, least: u8) -> Expression {
        self.depth += 1;
        let mut left = match self.depth > DEEPEST {
            true => {
                let span = self.span();
                self.fail(span.clone(), "the brackets are too deep");
                self.give_up();
                wrong(span)
            }
            false => self.operand(),
        };
        loop {
            if !self.in_let && *self.peek() == Token::Line && self.continues() {
                self.skip_lines();
            }
            let sign = match self.peek() {
                Token::Sign(sign) => *sign,
                Token::Name(word) if WORDS.contains(&word.as_str()) => {
                    let mistake = foreign_word(word, &self.span());
                    self.mistakes.push(mistake);
                    "<"
                }
                _ => break,
            };
            let Some(&(name, before, after)) = OPERATORS.iter().find(|o| o.0 == sign) else {
                break;
            };
            if before < least {
                break;
            }
            self.next();
            self.skip_new_lines();
            let right = self.expression(after);
            let span = left.span.start..right.span.end;
            left = Expression {
                kind: Kind::Between(name, Box::new([left, right])),
                span,
            };
        }
        self.depth -= 1;
        left
    }

    fn skip_new_lines(&mut self) {
        while *self.peek() == Token::Line {
            self.next();
        }
    }

    /// Whether the next line begins with an operator.
    fn continues(&self) -> bool {
        let mut rest = self.tokens[self.at..].iter().map(|(t, _)| t);
        let next = rest.find(|t| **t != Token::Line);
        matches!(next, Some(Token::Sign(s)) if OPERATORS.iter().any(|o| o.0 == *s))
    }

    /// Counts a part; where there are too many, the rest is passed over.
    fn count(&mut self) {
        self.parts += 1;
        if self.parts == MOST_PARTS {
            let span = self.span();
            self.fail(
                span,
                format!("the expression has more than {MOST_PARTS} parts"),
            );
            self.give_up();
        }
    }

    fn operand(&mut self) -> Expression {
        self.skip_new_lines();
        self.count();
        let span = self.span();
        let kind = match self.next() {
            Token::Number(x) => self.with_unit(x),
            Token::Label(text) => Kind::Label(text),
            Token::Sign("-") => Kind::Negate(self.expression(MINUS).into()),
            Token::Sign("+") => return self.expression(MINUS),
            Token::Sign("(") => {
                let outside = std::mem::take(&mut self.in_let);
                let inner = self.expression(0);
                self.in_let = outside;
                self.close(")", &span);
                return self.after(inner);
            }
            Token::Name(name) if matches!(self.peek(), Token::Sign("(")) => {
                self.next();
                let arguments = self.list(")", &span);
                Kind::Call(name, arguments)
            }
            Token::Name(name) => Kind::Name(name),
            other => {
                let message = match other {
                    Token::End => "something is missing at the end".to_string(),
                    _ => "a number, a name or a bracket should stand here".to_string(),
                };
                self.fail(span.clone(), message);
                return wrong(span);
            }
        };
        let end = self.tokens[self.at.saturating_sub(1)].1.end;
        let found = Expression {
            kind,
            span: span.start..end.max(span.end),
        };
        self.after(found)
    }

    /// Indices and fields after an operand.
    fn after(&mut self, mut found: Expression) -> Expression {
        loop {
            let begun = self.span();
            if matches!(self.peek(), Token::Sign("[" | ".")) {
                self.count();
            }
            if self.takes("[") {
                let indices = self.list("]", &begun);
                let span = found.span.start..self.tokens[self.at - 1].1.end;
                found = Expression {
                    kind: Kind::Index(found.into(), indices),
                    span,
                };
            } else if self.takes(".") {
                let end = self.span();
                let Token::Name(name) = self.next() else {
                    self.fail(end, "a name should follow the dot");
                    return found;
                };
                let span = found.span.start..end.end;
                found = Expression {
                    kind: Kind::Field(found.into(), name),
                    span,
                };
            } else {
                return found;
            }
        }
    }

    /// Parts between commas, up to a closing bracket.
    fn list(&mut self, close: &'static str, open: &Range<usize>) -> Vec<Expression> {
        let outside = std::mem::take(&mut self.in_let);
        let mut parts = Vec::new();
        while !self.takes(close) {
            parts.push(self.expression(0));
            if !self.takes(",") {
                self.close(close, open);
                break;
            }
        }
        self.in_let = outside;
        parts
    }

    /// Passes over the rest.
    fn give_up(&mut self) {
        self.at = self.tokens.len() - 1;
        self.gave_up = true;
    }

    fn close(&mut self, bracket: &str, open: &Range<usize>) {
        if self.takes(bracket) {
            return;
        }
        match self.peek() {
            Token::Name(_) | Token::Number(_) => {
                let here = self.span();
                self.fail(here, "an operator is missing before this");
            }
            Token::Sign("=") => {
                let here = self.span();
                let mistake = Mistake::new(&here, "`=` stands after `let` and a name alone");
                self.mistakes
                    .push(mistake.hint("comparisons are `<` `>` `<=` `>=`"));
            }
            _ => {
                let message = format!("this bracket has no closing `{bracket}`");
                self.fail(open.clone(), message);
            }
        }
        self.give_up();
    }

    /// A number with the unit that follows it, such as `5 ms` or `9.81 m/s^2`.
    fn with_unit(&mut self, x: f64) -> Kind {
        let is_unit = |token: &Token| match token {
            Token::Name(name) => parse_unit(name).is_ok(),
            _ => false,
        };
        if !is_unit(self.peek()) {
            return Kind::Number(x, Dimension::NONE);
        }
        let mut text = String::new();
        loop {
            if let Token::Name(name) = self.next() {
                text.push_str(&name);
            }
            let token = |i: usize| self.tokens.get(self.at + i).map(|(t, _)| t);
            let power = match (self.peek(), token(1), token(2)) {
                (Token::Sign("^"), Some(Token::Number(n)), _) => Some((format!("^{n}"), 2)),
                (Token::Sign("^"), Some(Token::Sign("-")), Some(Token::Number(n))) => {
                    Some((format!("^-{n}"), 3))
                }
                _ => None,
            };
            if let Some((power, tokens)) = power {
                text.push_str(&power);
                self.at += tokens;
            }
            let close = |i: usize| self.tokens[i].1.start == self.tokens[i - 1].1.end;
            let goes_on = matches!(self.peek(), Token::Sign("/"))
                && self
                    .tokens
                    .get(self.at + 1)
                    .is_some_and(|(t, _)| is_unit(t))
                && close(self.at)
                && close(self.at + 1);
            if !goes_on {
                break;
            }
            text.push('/');
            self.next();
        }
        match parse_unit(&text) {
            Ok((factor, dimension)) => Kind::Number(x * factor, dimension),
            Err(reason) => {
                let span = self.tokens[self.at - 1].1.clone();
                self.fail(span, reason);
                Kind::Wrong
            }
        }
    }
}

fn wrong(span: Range<usize>) -> Expression {
    Expression {
        kind: Kind::Wrong,
        span,
    }
}

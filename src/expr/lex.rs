//! Characters to tokens.

use std::ops::Range;

use super::Mistake;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Name(String),
    /// A label in quotes.
    Label(String),
    /// An operator or a bracket.
    Sign(&'static str),
    /// The end of a line outside of brackets.
    Line,
    End,
}

/// Longer ones first.
const SIGNS: [&str; 20] = [
    "<=", ">=", "==", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",", ".", "=", "<", ">", ";",
    "'", "\"",
];

const BOTH: &str = "put one `select` inside the other: `select(a < b, select(c < d, x, y), y)`";
const EITHER: &str = "put one `select` inside the other: `select(a < b, x, select(c < d, x, y))`";
/// Operators of other languages, what says the same here, and what stands for them further on.
const FOREIGN: [(&str, &str, &str); 10] = [
    ("**", "`^` is the power", "^"),
    (
        "!=",
        "numbers are hardly ever equal; compare by `<` or `>`",
        "<",
    ),
    ("≤", "`<=` is at most", "<"),
    ("≥", "`>=` is at least", ">"),
    ("−", "write `-`", "-"),
    ("×", "write `*`", "*"),
    ("·", "write `*`", "*"),
    ("÷", "write `/`", "/"),
    ("&&", BOTH, "<"),
    ("||", EITHER, "<"),
];
/// Those that are words.
pub(super) const WORDS: [&str; 2] = ["and", "or"];

pub(super) fn foreign(text: &str, span: &Range<usize>, hint: &str) -> Mistake {
    Mistake::new(span, format!("there is no `{text}` here")).hint(hint)
}

/// `and` and `or`.
pub(super) fn foreign_word(word: &str, span: &Range<usize>) -> Mistake {
    foreign(word, span, if word == "or" { EITHER } else { BOTH })
}

/// The tokens with their places; what is no token is a mistake and left out.
pub(super) fn tokens(text: &str, mistakes: &mut Vec<Mistake>) -> Vec<(Token, Range<usize>)> {
    let mut tokens: Vec<(Token, Range<usize>)> = Vec::new();
    let (mut at, mut depth) = (0, 0usize);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, len) = match c {
            '\n' if depth == 0 => (Some(Token::Line), 1),
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            _ if c.is_whitespace() => (None, c.len_utf8()),
            '0'..='9' => number(rest, text, at, mistakes),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit())
                && !tokens
                    .last()
                    .is_some_and(|(t, r)| r.end == at && ends_value(t)) =>
            {
                number(rest, text, at, mistakes)
            }
            '\'' | '"' => label(rest, at, mistakes),
            _ if c.is_alphabetic() || c == '_' => {
                let inside = |c: char| c.is_alphanumeric() || c == '_';
                let len = rest.find(|c| !inside(c)).unwrap_or(rest.len());
                (Some(Token::Name(rest[..len].into())), len)
            }
            _ if let Some((text, hint, same)) = FOREIGN.iter().find(|f| rest.starts_with(f.0)) => {
                mistakes.push(foreign(text, &(at..at + text.len()), hint));
                (Some(Token::Sign(same)), text.len())
            }
            _ => match SIGNS.iter().find(|s| rest.starts_with(**s)) {
                Some(sign) => {
                    match *sign {
                        "(" | "[" => depth += 1,
                        ")" | "]" => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    (Some(Token::Sign(sign)), sign.len())
                }
                None => {
                    let span = at..at + c.len_utf8();
                    mistakes.push(Mistake::new(&span, format!("`{c}` means nothing here")));
                    (None, c.len_utf8())
                }
            },
        };
        tokens.extend(token.map(|t| (t, at..at + len)));
        at += len;
    }
    tokens.push((Token::End, text.len()..text.len()));
    tokens
}

fn ends_value(token: &Token) -> bool {
    matches!(token, Token::Name(_) | Token::Sign(")" | "]"))
}

fn number(
    rest: &str,
    text: &str,
    at: usize,
    mistakes: &mut Vec<Mistake>,
) -> (Option<Token>, usize) {
    let bytes = rest.as_bytes();
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while digit(end) {
        end += 1;
    }
    if bytes.get(end) == Some(&b'.') && (digit(end + 1) || !letter(bytes.get(end + 1))) {
        end += 1;
        while digit(end) {
            end += 1;
        }
    }
    let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
    if matches!(bytes.get(end), Some(b'e' | b'E')) && digit(end + 1 + sign) {
        end += 1 + sign;
        while digit(end) {
            end += 1;
        }
    }
    match text[at..at + end].parse() {
        Ok(x) => (Some(Token::Number(x)), end),
        Err(_) => {
            let span = at..at + end.max(1);
            let message = format!("`{}` is no number", &text[span.clone()]);
            mistakes.push(Mistake::new(&span, message));
            (None, end.max(1))
        }
    }
}

fn letter(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
}

fn label(rest: &str, at: usize, mistakes: &mut Vec<Mistake>) -> (Option<Token>, usize) {
    let quote = &rest[..1];
    match rest[1..].find(quote) {
        Some(len) => (Some(Token::Label(rest[1..1 + len].into())), len + 2),
        None => {
            let span = at..at + rest.len();
            mistakes.push(Mistake::new(
                &span,
                format!("the label has no closing {quote}"),
            ));
            (None, rest.len())
        }
    }
}

//! The pickle machine: a stack, its marks and a memo, over all protocols from 0 to 5.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Global, Id, Object, Pickle, Value, allowed, text};

pub(super) fn run(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    let mut machine = Machine::new(bytes);
    loop {
        let opcode = machine.byte()?;
        if opcode == b'.' {
            break;
        }
        machine.step(opcode)?;
    }
    let root = machine.pop()?;
    Ok(Pickle {
        values: machine.values,
        root,
        length: machine.at,
    })
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: Memo,
}

/// What was remembered under a number: Python counts them up, a damaged file may not.
#[derive(Default)]
struct Memo {
    counted: Vec<Id>,
    others: HashMap<u64, Id>,
}

/// Values of which one is enough.
const NONE: Id = Id(0);
const FALSE: Id = Id(1);
const TRUE: Id = Id(2);
const EMPTY: Id = Id(3);

type Step<T = ()> = Result<T, String>;

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            values: vec![
                Value::None,
                Value::Bool(false),
                Value::Bool(true),
                Value::Tuple(Vec::new()),
            ],
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Memo::default(),
        }
    }

    fn step(&mut self, opcode: u8) -> Step {
        match opcode {
            // PROTO and FRAME say nothing that the rest does not.
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'N' => self.put(NONE),
            0x88 => self.put(TRUE),
            0x89 => self.put(FALSE),
            b'I' | b'L' => self.decimal(),
            b'J' => self.number(4, true),
            b'K' => self.number(1, false),
            b'M' => self.number(2, false),
            0x8a => self.long(1),
            0x8b => self.long(4),
            b'F' => self.float_text(),
            b'G' => self.float(),
            b'S' => self.quoted(),
            b'U' | b'C' => self.counted_bytes(1),
            b'T' | b'B' => self.counted_bytes(4),
            0x8e | 0x96 => self.counted_bytes(8),
            b'V' => self.raw_unicode(),
            0x8c => self.counted_text(1),
            b'X' => self.counted_text(4),
            0x8d => self.counted_text(8),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.drop_top(),
            b'1' => self.marked().map(drop),
            b'2' => {
                let top = self.top()?;
                self.put(top)
            }
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.put(EMPTY),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x8f => self.push(Value::Set(Vec::new())),
            b'l' => {
                let items = self.marked()?;
                self.push(Value::List(items))
            }
            b't' => {
                let items = self.marked()?;
                self.push(Value::Tuple(items))
            }
            0x91 => {
                let items = self.marked()?;
                self.push(Value::Set(items))
            }
            b'd' => {
                let items = self.marked()?;
                let entries = self.pairs(&items)?;
                self.push(Value::Dict(entries))
            }
            0x85..=0x87 => {
                let items = self.popped(usize::from(opcode - 0x84))?;
                self.push(Value::Tuple(items))
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])
            }
            b'e' | 0x90 => {
                let items = self.marked()?;
                self.append(&items)
            }
            b's' => {
                let items = self.popped(2)?;
                self.set(&items)
            }
            b'u' => {
                let items = self.marked()?;
                self.set(&items)
            }
            b'p' | b'q' | b'r' | 0x94 => self.remember(opcode),
            b'g' | b'h' | b'j' => self.recall(opcode),
            b'c' => self.global_lines(),
            0x93 => self.global_of_stack(),
            b'R' | 0x81 => {
                let parts = self.popped(2)?;
                self.object(parts[0], parts[1])
            }
            0x92 => {
                // The keyword arguments are no numbers of ours.
                let parts = self.popped(3)?;
                self.object(parts[0], parts[1])
            }
            b'o' => {
                let mut items = self.marked()?;
                if items.is_empty() {
                    return Err(self.damaged());
                }
                let class = items.remove(0);
                self.instance(class, items)
            }
            b'i' => {
                let items = self.marked()?;
                self.global_lines()?;
                let class = self.pop()?;
                self.instance(class, items)
            }
            b'b' => self.build(),
            b'P' => {
                let name = self.line()?;
                self.push(Value::Bytes(Cow::Borrowed(name)))?;
                self.persistent()
            }
            b'Q' => self.persistent(),
            0x82..=0x84 => Err(
                "the pickle asks for an extension that only the program that wrote it knows".into(),
            ),
            0x97 | 0x98 => Err(
                "the pickle keeps its buffers in another place; save it without `buffer_callback`"
                    .into(),
            ),
            _ => Err(format!(
                "the pickle is damaged at byte {}: {opcode:#04x} is no instruction",
                self.at - 1
            )),
        }
    }

    fn damaged(&self) -> String {
        format!(
            "the pickle is damaged at byte {}",
            self.at.saturating_sub(1)
        )
    }

    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or("the pickle is cut short")?;
        self.at += count;
        Ok(taken)
    }

    fn byte(&mut self) -> Step<u8> {
        self.take(1).map(|one| one[0])
    }

    /// Without its end.
    fn line(&mut self) -> Step<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        let length = length.ok_or("the pickle is cut short")?;
        self.at += length + 1;
        let line = &rest[..length];
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn unsigned(&mut self, width: usize) -> Step<u64> {
        let bytes = self.take(width)?.iter().rev();
        Ok(bytes.fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    /// Bytes after their count.
    fn counted(&mut self, width: usize) -> Step<&'a [u8]> {
        let count = self.unsigned(width)?;
        let count = usize::try_from(count).map_err(|_| "the pickle is cut short")?;
        self.take(count)
    }

    fn put(&mut self, id: Id) -> Step {
        self.stack.push(id);
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) -> Step {
        let place = u32::try_from(self.values.len());
        let id = Id(place.map_err(|_| "the pickle holds more than 2³² values")?);
        self.values.push(value);
        self.put(id)
    }

    fn top(&self) -> Step<Id> {
        self.stack.last().copied().ok_or_else(|| self.damaged())
    }

    fn pop(&mut self) -> Step<Id> {
        self.stack.pop().ok_or_else(|| self.damaged())
    }

    /// POP takes a mark where one lies on top.
    fn drop_top(&mut self) -> Step {
        match self.marks.last() == Some(&self.stack.len()) {
            true => drop(self.marks.pop()),
            false => drop(self.pop()?),
        }
        Ok(())
    }

    fn popped(&mut self, count: usize) -> Step<Vec<Id>> {
        let left = self.stack.len().checked_sub(count);
        let left = left.ok_or_else(|| self.damaged())?;
        Ok(self.stack.split_off(left))
    }

    /// What lies above the last mark.
    fn marked(&mut self) -> Step<Vec<Id>> {
        let height = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        let height = height.ok_or_else(|| self.damaged())?;
        Ok(self.stack.split_off(height))
    }

    fn pairs(&self, items: &[Id]) -> Step<Vec<(Id, Id)>> {
        let pairs = items.chunks_exact(2);
        match pairs.remainder() {
            [] => Ok(pairs.map(|pair| (pair[0], pair[1])).collect()),
            _ => Err(self.damaged()),
        }
    }

    fn value_mut(&mut self, id: Id) -> &mut Value<'a> {
        &mut self.values[id.0 as usize]
    }

    fn append(&mut self, items: &[Id]) -> Step {
        let target = self.top()?;
        match self.value_mut(target) {
            Value::List(list) | Value::Set(list) => list.extend(items),
            // A class that is also a list.
            Value::Object(_) => {}
            _ => return Err(self.damaged()),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Step {
        let pairs = self.pairs(items)?;
        let target = self.top()?;
        match self.value_mut(target) {
            Value::Dict(entries) => entries.extend(pairs),
            Value::Object(object) => object.entries.extend(pairs),
            _ => return Err(self.damaged()),
        }
        Ok(())
    }

    fn decimal(&mut self) -> Step {
        let line = self.line()?;
        match line {
            b"00" => return self.put(FALSE),
            b"01" => return self.put(TRUE),
            _ => {}
        }
        let digits = line.strip_suffix(b"L").unwrap_or(line);
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        let value = match (digits.parse(), digits.parse()) {
            (Ok(whole), _) => Value::Int(whole),
            (_, Ok(near)) => Value::Float(near),
            _ => return Err(self.damaged()),
        };
        self.push(value)
    }

    fn number(&mut self, width: usize, signed: bool) -> Step {
        let word = self.unsigned(width)?;
        self.push(Value::Int(match signed {
            true => i128::from(word as u32 as i32),
            false => i128::from(word),
        }))
    }

    /// Two's complement of any length, the lowest byte first.
    fn long(&mut self, width: usize) -> Step {
        let bytes = self.counted(width)?;
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        if bytes.len() <= 16 {
            let mut word = [if negative { 0xff } else { 0 }; 16];
            word[..bytes.len()].copy_from_slice(bytes);
            return self.push(Value::Int(i128::from_le_bytes(word)));
        }
        let size = bytes.iter().rev();
        let size = size.fold(0.0, |size, &byte| 256.0 * size + f64::from(byte));
        let beyond = if negative { f64::NEG_INFINITY } else { size };
        self.push(Value::Float(beyond))
    }

    fn float_text(&mut self) -> Step {
        let line = std::str::from_utf8(self.line()?).unwrap_or_default();
        match line.parse() {
            Ok(number) => self.push(Value::Float(number)),
            Err(_) => Err(self.damaged()),
        }
    }

    fn float(&mut self) -> Step {
        let bytes = self.take(8)?;
        let number = f64::from_be_bytes(std::array::from_fn(|i| bytes[i]));
        self.push(Value::Float(number))
    }

    fn quoted(&mut self) -> Step {
        let line = self.line()?;
        let bytes = text::quoted(line).ok_or_else(|| self.damaged())?;
        self.push(Value::Bytes(Cow::Owned(bytes)))
    }

    fn raw_unicode(&mut self) -> Step {
        let line = self.line()?;
        let text = text::raw_unicode(line).ok_or_else(|| self.damaged())?;
        self.push(Value::Text(Cow::Owned(text)))
    }

    fn counted_bytes(&mut self, width: usize) -> Step {
        let bytes = self.counted(width)?;
        self.push(Value::Bytes(Cow::Borrowed(bytes)))
    }

    fn counted_text(&mut self, width: usize) -> Step {
        let text = String::from_utf8_lossy(self.counted(width)?);
        self.push(Value::Text(text))
    }

    fn key(&mut self, opcode: u8) -> Step<u64> {
        match opcode {
            b'p' | b'g' => {
                let line = std::str::from_utf8(self.line()?).unwrap_or_default();
                line.parse().map_err(|_| self.damaged())
            }
            b'q' | b'h' => self.unsigned(1),
            b'r' | b'j' => self.unsigned(4),
            _ => Ok((self.memo.counted.len() + self.memo.others.len()) as u64),
        }
    }

    fn remember(&mut self, opcode: u8) -> Step {
        let key = self.key(opcode)?;
        let top = self.top()?;
        let count = self.memo.counted.len() as u64;
        if key < count {
            self.memo.counted[key as usize] = top;
        } else if key == count && self.memo.others.is_empty() {
            self.memo.counted.push(top);
        } else {
            self.memo.others.insert(key, top);
        }
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Step {
        let key = self.key(opcode)?;
        let counted = usize::try_from(key)
            .ok()
            .and_then(|key| self.memo.counted.get(key));
        let found = counted.or_else(|| self.memo.others.get(&key)).copied();
        let found = found.ok_or_else(|| self.damaged())?;
        self.put(found)
    }

    fn global_lines(&mut self) -> Step {
        let (module, name) = (self.line()?, self.line()?);
        self.global(&text::of_bytes(module), &text::of_bytes(name))
    }

    fn global_of_stack(&mut self) -> Step {
        let parts = self.popped(2)?;
        let text = |id: Id| match &self.values[id.0 as usize] {
            Value::Text(text) => Some(text.to_string()),
            Value::Bytes(bytes) => Some(text::of_bytes(bytes).into_owned()),
            _ => None,
        };
        match (text(parts[0]), text(parts[1])) {
            (Some(module), Some(name)) => self.global(&module, &name),
            _ => Err(self.damaged()),
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Step {
        allowed::check(module, name)?;
        self.push(Value::Global(Box::new(Global {
            module: module.into(),
            name: name.into(),
        })))
    }

    fn instance(&mut self, class: Id, args: Vec<Id>) -> Step {
        self.push(Value::Tuple(args))?;
        let args = self.pop()?;
        self.object(class, args)
    }

    fn object(&mut self, callee: Id, args: Id) -> Step {
        let (Value::Global(global), Value::Tuple(given)) = (
            &self.values[callee.0 as usize],
            &self.values[args.0 as usize],
        ) else {
            return Err(self.damaged());
        };
        // `copyreg` makes an instance of the class that it is given first.
        let class = match (global.module.as_str(), given.first()) {
            ("copy_reg" | "copyreg", Some(&class)) => class,
            _ => callee,
        };
        if !matches!(self.values[class.0 as usize], Value::Global(_)) {
            return Err(self.damaged());
        }
        self.push(Value::Object(Box::new(Object {
            class,
            args,
            state: None,
            entries: Vec::new(),
        })))
    }

    fn build(&mut self) -> Step {
        let state = self.pop()?;
        let target = self.top()?;
        match self.value_mut(target) {
            Value::Object(object) => object.state = Some(state),
            Value::Dict(_) | Value::List(_) | Value::Set(_) => {}
            _ => return Err(self.damaged()),
        }
        Ok(())
    }

    fn persistent(&mut self) -> Step {
        let id = self.pop()?;
        self.push(Value::Persistent(id))
    }
}

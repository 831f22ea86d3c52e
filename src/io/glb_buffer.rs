//! The binary chunk of a `.glb`, its accessors, and the container around both.

use gltf_json::accessor::{Accessor, ComponentType, GenericComponentType, Type};
use gltf_json::buffer::{Buffer, Target, View};
use gltf_json::validation::Checked::Valid;
use gltf_json::{Asset, Index, Root};
use serde_json::{Value, json};

/// Collects arrays one behind the other, each with a view and an accessor of its own.
pub(super) struct Builder {
    pub root: Root,
    bytes: Vec<u8>,
}

/// A number of the binary chunk, little-endian as the format wants.
trait Number: Copy {
    const TYPE: ComponentType;
    fn append(self, bytes: &mut Vec<u8>);
}

impl Number for f32 {
    const TYPE: ComponentType = ComponentType::F32;
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

impl Number for u16 {
    const TYPE: ComponentType = ComponentType::U16;
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

impl Number for u32 {
    const TYPE: ComponentType = ComponentType::U32;
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

impl Builder {
    pub(super) fn new() -> Builder {
        let asset = Asset {
            generator: Some("fitrun".to_string()),
            ..Asset::default()
        };
        let mut root = Root {
            asset,
            ..Root::default()
        };
        root.push(Buffer {
            byte_length: 0u64.into(),
            name: None,
            uri: None,
            extensions: None,
            extras: Default::default(),
        });
        Builder {
            root,
            bytes: Vec::new(),
        }
    }

    pub(super) fn floats<const N: usize>(
        &mut self,
        kind: Type,
        rows: &[[f32; N]],
    ) -> Index<Accessor> {
        self.accessor(kind, None, rows, None)
    }

    pub(super) fn vertex_floats<const N: usize>(
        &mut self,
        kind: Type,
        rows: &[[f32; N]],
    ) -> Index<Accessor> {
        self.accessor(kind, Some(Target::ArrayBuffer), rows, None)
    }

    pub(super) fn vertex_joints(&mut self, rows: &[[u16; 4]]) -> Index<Accessor> {
        self.accessor(Type::Vec4, Some(Target::ArrayBuffer), rows, None)
    }

    pub(super) fn indices(&mut self, rows: &[[u32; 1]]) -> Index<Accessor> {
        self.accessor(Type::Scalar, Some(Target::ElementArrayBuffer), rows, None)
    }

    /// The format demands the range of positions, and of key times below.
    pub(super) fn vertex_positions(&mut self, rows: &[[f32; 3]]) -> Index<Accessor> {
        self.accessor(
            Type::Vec3,
            Some(Target::ArrayBuffer),
            rows,
            Some(range(rows)),
        )
    }

    pub(super) fn key_times(&mut self, rows: &[[f32; 1]]) -> Index<Accessor> {
        self.accessor(Type::Scalar, None, rows, Some(range(rows)))
    }

    fn accessor<T: Number, const N: usize>(
        &mut self,
        kind: Type,
        target: Option<Target>,
        rows: &[[T; N]],
        range: Option<[Value; 2]>,
    ) -> Index<Accessor> {
        let start = self.bytes.len();
        rows.iter()
            .flatten()
            .for_each(|number| number.append(&mut self.bytes));
        let length = self.bytes.len() - start;
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let view = self.root.push(View {
            buffer: Index::new(0),
            byte_length: length.into(),
            byte_offset: Some(start.into()),
            byte_stride: None,
            name: None,
            target: target.map(Valid),
            extensions: None,
            extras: Default::default(),
        });
        let [min, max] = range.map_or([None, None], |range| range.map(Some));
        self.root.push(Accessor {
            buffer_view: Some(view),
            byte_offset: None,
            count: rows.len().into(),
            component_type: Valid(GenericComponentType(T::TYPE)),
            type_: Valid(kind),
            min,
            max,
            name: None,
            normalized: false,
            sparse: None,
            extensions: None,
            extras: Default::default(),
        })
    }

    /// Header, JSON chunk padded with spaces, binary chunk; lengths are 32 bits wide.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, String> {
        self.root.buffers[0].byte_length = self.bytes.len().into();
        let mut text = self
            .root
            .to_vec()
            .map_err(|error| format!("cannot be encoded: {error}"))?;
        text.resize(text.len().next_multiple_of(4), b' ');
        let total = 12 + 8 + text.len() + 8 + self.bytes.len();
        if u32::try_from(total).is_err() {
            return Err("the scene is too large; a `.glb` holds at most 4 GB".to_string());
        }
        let mut file = Vec::with_capacity(total);
        file.extend(b"glTF");
        file.extend(2u32.to_le_bytes());
        file.extend((total as u32).to_le_bytes());
        for (kind, chunk) in [(b"JSON", &text), (b"BIN\0", &self.bytes)] {
            file.extend((chunk.len() as u32).to_le_bytes());
            file.extend(kind);
            file.extend(chunk);
        }
        Ok(file)
    }
}

/// Smallest and largest number of each column.
fn range<const N: usize>(rows: &[[f32; N]]) -> [Value; 2] {
    let fold = |start: f32, pick: fn(f32, f32) -> f32| -> Vec<f32> {
        let column = |axis: usize| rows.iter().map(|row| row[axis]).fold(start, pick);
        (0..N).map(column).collect()
    };
    [
        json!(fold(f32::INFINITY, f32::min)),
        json!(fold(f32::NEG_INFINITY, f32::max)),
    ]
}

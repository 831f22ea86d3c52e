//! Named arrays of numbers, as files of weights hold them, and safetensors files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::error::shape_text;
use super::{FileError, atomic, read_bytes};

/// A row-major array.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
    /// Whether its file holds (or shall hold) f64, not f32.
    pub double: bool,
}

impl Tensor {
    pub fn single(shape: &[usize], data: impl IntoIterator<Item = f32>) -> Self {
        Self {
            shape: shape.to_vec(),
            data: data.into_iter().map(f64::from).collect(),
            double: false,
        }
    }

    pub fn double(shape: &[usize], data: Vec<f64>) -> Self {
        Self {
            shape: shape.to_vec(),
            data,
            double: true,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self.double {
            true => self.data.iter().flat_map(|x| x.to_le_bytes()).collect(),
            false => self
                .data
                .iter()
                .flat_map(|x| (*x as f32).to_le_bytes())
                .collect(),
        }
    }
}

/// Arrays by name, and what the file says about them in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors {
    pub arrays: BTreeMap<String, Tensor>,
    pub metadata: BTreeMap<String, String>,
}

impl Tensors {
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        self.arrays.insert(name.into(), tensor);
    }

    /// An array of this shape, or what is wrong.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<&Tensor, String> {
        let found = self
            .arrays
            .get(name)
            .ok_or_else(|| format!("there is no tensor `{name}`"))?;
        match found.shape == shape {
            true => Ok(found),
            false => Err(format!(
                "`{name}` should have the shape {}, but has {}",
                shape_text(shape),
                shape_text(&found.shape)
            )),
        }
    }

    /// Reads a safetensors file: F32, F64, F16 and BF16.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = read_bytes(path)?;
        Self::parse(&bytes).map_err(|message| FileError::new(path, message))
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("the file is empty".into());
        }
        let broken = |e| format!("not a safetensors file: {e}");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let mut found = Self::default();
        for (name, view) in file.iter() {
            found.insert(name, tensor(name, &view)?);
        }
        let metadata = header.metadata().clone().unwrap_or_default();
        found.metadata = metadata.into_iter().collect();
        Ok(found)
    }

    /// Writes a safetensors file; nothing of it is there before all of it is.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let bytes = self
            .to_bytes()
            .map_err(|message| FileError::new(path, message))?;
        atomic::write(path, &bytes)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let bytes: Vec<Vec<u8>> = self.arrays.values().map(Tensor::bytes).collect();
        let mut views = Vec::new();
        for ((name, tensor), bytes) in self.arrays.iter().zip(&bytes) {
            let dtype = if tensor.double {
                Dtype::F64
            } else {
                Dtype::F32
            };
            let view = TensorView::new(dtype, tensor.shape.clone(), bytes);
            views.push((name, view.map_err(|e| format!("`{name}`: {e}"))?));
        }
        let metadata: HashMap<String, String> = self.metadata.clone().into_iter().collect();
        let file = safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())?;
        sorted_header(&file).ok_or_else(|| "the header could not be written".into())
    }
}

/// The same file with the header's names in order, so that equal tensors are equal bytes.
fn sorted_header(file: &[u8]) -> Option<Vec<u8>> {
    let (size, rest) = file.split_first_chunk::<8>()?;
    let (header, data) = rest.split_at_checked(u64::from_le_bytes(*size) as usize)?;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let mut header = serde_json::to_vec(&header).ok()?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let size = (header.len() as u64).to_le_bytes();
    Some([&size, header.as_slice(), data].concat())
}

fn tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor, String> {
    let bytes = view.data();
    let half = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
    let data: Vec<f64> = match view.dtype() {
        Dtype::F32 => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).into())
            .collect(),
        Dtype::F64 => bytes
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes(std::array::from_fn(|i| b[i])))
            .collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| f16(half(b))).collect(),
        Dtype::BF16 => bytes
            .chunks_exact(2)
            .map(|b| f32::from_bits(u32::from(half(b)) << 16).into())
            .collect(),
        other => {
            return Err(format!(
                "`{name}` is {other:?}, but should be F32, F64, F16 or BF16"
            ));
        }
    };
    Ok(Tensor {
        shape: view.shape().to_vec(),
        data,
        double: view.dtype() == Dtype::F64,
    })
}

/// A number in IEEE 754's half precision.
pub(crate) fn f16(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tensors_are_equal_bytes_and_come_back() {
        let mut tensors = Tensors::default();
        tensors.insert("b", Tensor::single(&[2], [1.0, 2.0]));
        tensors.insert("a", Tensor::double(&[1, 2], vec![0.1, 0.2]));
        for i in 0..20 {
            tensors
                .metadata
                .insert(format!("key {i}"), format!("{i} \"quoted\""));
        }
        let bytes = tensors.to_bytes().unwrap();
        assert!((0..5).all(|_| tensors.to_bytes().unwrap() == bytes));
        assert_eq!(Tensors::parse(&bytes), Ok(tensors));
    }
}

//! A picture in memory, written as PNG.

pub(crate) struct Image {
    pub width: usize,
    pub height: usize,
    /// Row after row, three bytes per pixel, sRGB.
    pub rgb: Vec<u8>,
}

impl Image {
    pub(super) fn white(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            rgb: vec![255; 3 * width * height],
        }
    }

    /// Copies another picture in; what reaches beyond the edges is left out.
    pub(super) fn paste(&mut self, other: &Image, column: usize, row: usize) {
        let width = other.width.min(self.width.saturating_sub(column));
        for y in 0..other.height.min(self.height.saturating_sub(row)) {
            let from = 3 * y * other.width;
            let to = 3 * ((row + y) * self.width + column);
            self.rgb[to..to + 3 * width].copy_from_slice(&other.rgb[from..from + 3 * width]);
        }
    }

    #[cfg(test)]
    pub(super) fn pixel(&self, column: usize, row: usize) -> [u8; 3] {
        let at = 3 * (row * self.width + column);
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    pub(crate) fn to_png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        encoder.write_header()?.write_image_data(&self.rgb)?;
        Ok(bytes)
    }
}

//! Pictures of pixels inside an SVG.

use std::io;

use super::{PlotError, style::units};
use crate::report::render::Image;

/// Where a picture lies on the sheet, in pixels.
pub(super) struct Place {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// Lays a picture on top of what is drawn.
pub(super) fn embed(svg: &str, image: &Image, place: &Place) -> Result<String, PlotError> {
    let png = image.to_png().map_err(io::Error::other)?;
    let [x, y, width, height] = [place.left, place.top, place.width, place.height].map(units);
    let element = format!(
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
         preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
         href=\"data:image/png;base64,{}\"/>\n</svg>",
        base64(&png)
    );
    Ok(match svg.rsplit_once("</svg>") {
        Some((drawn, end)) => format!("{drawn}{element}{end}"),
        None => svg.to_string(),
    })
}

/// RFC 4648.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            match i <= three.len() {
                true => text.push(LETTERS[(bits >> (18 - 6 * i)) as usize & 63] as char),
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_the_rfc_s_test_vectors() {
        let written =
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|t| base64(t.as_bytes()));
        let expected = [
            "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
        ];
        assert_eq!(written, expected);
    }
}

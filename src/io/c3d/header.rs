//! Where the points lie: the header, corrected by the parameters for what its words cannot count.

use super::parameters::{BLOCK, Parameters};

/// How the data section is laid out; it fits the file's bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    pub points: usize,
    pub frames: usize,
    pub first_frame: u64,
    /// Frames per second.
    pub rate: Option<f64>,
    /// Unit of the file for each step of integers; `None` where points are floats.
    pub scale: Option<f64>,
    /// Bytes of a coordinate.
    pub word: usize,
    /// Where the first frame begins.
    pub data: usize,
    /// Bytes from frame to frame: the points, then the analog channels.
    pub frame_size: usize,
}

impl Layout {
    pub(super) fn read(bytes: &[u8], parameters: &Parameters<'_>) -> Result<Layout, String> {
        let processor = parameters.processor;
        let word = |number: usize| {
            let at = bytes.get(2 * (number - 1)..)?;
            processor.word(at).map(usize::from)
        };
        let float = |number: usize| {
            let at = bytes.get(2 * (number - 1)..)?;
            processor.float(at).map(f64::from)
        };
        let cut = || "the file is cut short in its header".to_string();
        let points = parameters.number("POINT", "USED").map(|n| n as usize);
        let points = points.or(word(2)).ok_or_else(cut)?;
        let analog = word(3).ok_or_else(cut)?;
        let scale = parameters.number("POINT", "SCALE").or(float(7));
        let scale = scale.ok_or_else(cut)?;
        let rate = parameters.number("POINT", "RATE").or(float(11));
        let block = match word(9).ok_or_else(cut)? {
            0 => parameters.number("POINT", "DATA_START").unwrap_or(0.0) as usize,
            block => block,
        };
        if points == 0 {
            return Err("the file holds no points".into());
        }
        if scale == 0.0 || !scale.is_finite() {
            return Err(format!(
                "`POINT:SCALE` is {scale}; expected a number that is not 0"
            ));
        }
        let size = if scale < 0.0 { 4 } else { 2 };
        let mut layout = Layout {
            points,
            frames: 0,
            first_frame: 0,
            rate: rate.filter(|rate| rate.is_finite() && *rate > 0.0),
            scale: (scale > 0.0).then_some(scale),
            word: size,
            data: block.saturating_sub(1).saturating_mul(BLOCK),
            frame_size: points
                .saturating_mul(4)
                .saturating_add(analog)
                .saturating_mul(size),
        };
        let spans = spans(
            word(4).ok_or_else(cut)? as u64,
            word(5).ok_or_else(cut)? as u64,
            parameters,
        );
        layout.take_frames(bytes.len(), &spans)?;
        Ok(layout)
    }

    /// The longest of what the file says of its frames that its bytes can hold.
    fn take_frames(&mut self, bytes: usize, spans: &[(u64, u64)]) -> Result<(), String> {
        let held = self.held(bytes);
        let fits = |span: &&(u64, u64)| span.1 <= held;
        // A header that counts to 65535 has come to its end, and says nothing against more frames.
        let doubtful = spans[0].0 + spans[0].1 > u64::from(u16::MAX);
        let longest = spans.iter().map(|s| s.1).max().unwrap_or(0);
        let chosen = match doubtful {
            true => spans.iter().find(|s| s.1 == longest),
            false => spans
                .iter()
                .filter(fits)
                .max_by_key(|s| s.1)
                .or(spans.first()),
        };
        let (first, frames) = *chosen.filter(fits).ok_or_else(|| {
            format!(
                "the file claims {longest} frames of {} points, but holds {held}",
                self.points
            )
        })?;
        if frames == 0 {
            return Err("the file holds no frames".into());
        }
        self.first_frame = first;
        self.frames = frames as usize;
        Ok(())
    }

    /// How many frames the bytes hold; of the last one the points are enough.
    fn held(&self, bytes: usize) -> u64 {
        let points = self.points.saturating_mul(4 * self.word);
        let data = bytes.saturating_sub(self.data);
        match self.data > 0 && data >= points {
            true => 1 + ((data - points) / self.frame_size) as u64,
            false => 0,
        }
    }
}

/// First frame and number of frames: by the header, then by each parameter that says more.
fn spans(first: u64, last: u64, parameters: &Parameters<'_>) -> Vec<(u64, u64)> {
    let count = |first: u64, last: u64| (last + 1).saturating_sub(first);
    let mut spans = vec![(first, count(first, last))];
    let start = parameters.field("TRIAL", "ACTUAL_START_FIELD");
    if let Some(end) = parameters.field("TRIAL", "ACTUAL_END_FIELD") {
        let start = start.unwrap_or(first);
        spans.push((start, count(start, end)));
    }
    for name in ["LONG_FRAMES", "FRAMES"] {
        if let Some(frames) = parameters.number("POINT", name).filter(|n| *n >= 0.0) {
            spans.push((start.unwrap_or(first), frames as u64));
        }
    }
    spans
}

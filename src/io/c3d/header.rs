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
    /// Where the file contradicts itself.
    pub warnings: Vec<String>,
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
        let scale = parameters.number("POINT", "SCALE").or(float(7));
        let scale = scale.ok_or_else(cut)?;
        let rate = parameters.number("POINT", "RATE").or(float(11));
        let block = match word(9).ok_or_else(cut)? {
            0 => parameters.number("POINT", "DATA_START").unwrap_or(0.0) as usize,
            block => block,
        };
        if scale == 0.0 || !scale.is_finite() {
            return Err(format!(
                "`POINT:SCALE` is {scale}; expected a number that is not 0"
            ));
        }
        let mut layout = Layout {
            points: 0,
            frames: 0,
            first_frame: 0,
            rate: rate.filter(|rate| rate.is_finite() && *rate > 0.0),
            scale: (scale > 0.0).then_some(scale),
            word: if scale < 0.0 { 4 } else { 2 },
            data: block.saturating_sub(1).saturating_mul(BLOCK),
            frame_size: 0,
            warnings: Vec::new(),
        };
        let spans = spans(
            word(4).ok_or_else(cut)? as u64,
            word(5).ok_or_else(cut)? as u64,
            parameters,
        );
        let counts = Counts {
            points: [
                parameters.number("POINT", "USED").map(|n| n as usize),
                word(2),
            ],
            analog: word(3).ok_or_else(cut)?,
            channels: parameters.number("ANALOG", "USED").map(|n| n as usize),
            samples: word(10).unwrap_or(0).max(1),
        };
        layout.take_stride(bytes.len(), &spans, &counts)?;
        layout.take_frames(bytes.len(), &spans)?;
        Ok(layout)
    }

    /// Numbers in a frame: where the file says several, those that its length fits.
    fn take_stride(
        &mut self,
        bytes: usize,
        spans: &[(u64, u64)],
        counts: &Counts,
    ) -> Result<(), String> {
        let mut choices = Vec::new();
        for points in counts.points.into_iter().flatten().filter(|n| *n > 0) {
            choices.extend(counts.analogs().map(|analog| (points, analog)));
        }
        let first = *choices.first().ok_or("the file holds no points")?;
        let size = |(points, analog): (usize, usize)| {
            let numbers = points.saturating_mul(4).saturating_add(analog);
            numbers.saturating_mul(self.word)
        };
        let fits = |choice: &&(usize, usize)| {
            let ends = |frames: u64| size(**choice).saturating_mul(frames as usize);
            let left = |frames| bytes.checked_sub(self.data.saturating_add(ends(frames)));
            spans
                .iter()
                .any(|span| span.1 > 0 && left(span.1).is_some_and(|left| left < BLOCK))
        };
        let chosen = choices.iter().find(fits).copied().unwrap_or(first);
        (self.points, self.frame_size) = (chosen.0, size(chosen));
        if Some(chosen.0) != counts.points[0].or(counts.points[1]) {
            self.warnings.push(format!(
                "`POINT:USED` does not fit the file's length; the header's {} points do",
                chosen.0
            ));
        }
        if chosen.1 != counts.analog {
            self.warnings.push(format!(
                "the header says {} analog samples a frame; {} are taken, as `ANALOG:USED` times the header's {} samples of each channel",
                counts.analog, chosen.1, counts.samples
            ));
        }
        Ok(())
    }

    /// The longest of what the file says of its frames that its bytes can hold, or all that they hold.
    fn take_frames(&mut self, bytes: usize, spans: &[(u64, u64)]) -> Result<(), String> {
        let held = self.held(bytes);
        let longest = spans.iter().map(|s| s.1).max().unwrap_or(0);
        // A header that counts to 65535 has come to its end, and says nothing against more frames.
        let doubtful = spans[0].0 + spans[0].1 > u64::from(u16::MAX);
        // Frames that the fill of the last block may feign.
        let feigned = (BLOCK - 1) as u64 / self.frame_size.max(1) as u64;
        let fits = |span: &&(u64, u64)| span.1 <= held && (!doubtful || held - span.1 <= feigned);
        if longest == 0 {
            return Err("the file holds no frames".into());
        }
        let chosen = spans.iter().filter(fits).max_by_key(|s| s.1);
        let (first, frames) = match chosen {
            Some(chosen) if chosen.1 > 0 => *chosen,
            _ => self.cut_short(held, spans, doubtful)?,
        };
        self.first_frame = first;
        self.frames = frames as usize;
        Ok(())
    }

    /// The frames that are there, of a file that says another number.
    fn cut_short(
        &mut self,
        held: u64,
        spans: &[(u64, u64)],
        doubtful: bool,
    ) -> Result<(u64, u64), String> {
        let (first, claimed) = match doubtful {
            true => spans.iter().max_by_key(|s| s.1),
            false => spans.first().filter(|s| s.1 > 0).or(spans.last()),
        }
        .copied()
        .unwrap_or_default();
        if held == 0 {
            return Err(format!(
                "the file claims {claimed} frames of {} points, but holds none",
                self.points
            ));
        }
        self.warnings.push(match held < claimed {
            true => format!("the file claims {claimed} frames, but holds {held}, which are read"),
            false => format!(
                "the file counts its frames to {claimed} only, but holds {held}, which are read"
            ),
        });
        Ok((first, held))
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

/// What the file says of the numbers in a frame.
struct Counts {
    /// By the parameters, and by the header.
    points: [Option<usize>; 2],
    /// By the header: samples of all channels in a frame.
    analog: usize,
    channels: Option<usize>,
    /// Samples of a channel in a frame.
    samples: usize,
}

impl Counts {
    /// Samples in a frame, the likelier first: some programs write the number of channels.
    fn analogs(&self) -> impl Iterator<Item = usize> {
        let header = self.analog;
        let product = self.channels.map(|n| n.saturating_mul(self.samples));
        let channels_alone = self.samples > 1 && self.channels == Some(header);
        let doubtful = channels_alone || !header.is_multiple_of(self.samples);
        let other = product.filter(|n| *n != header);
        let (first, second) = match other.filter(|_| doubtful) {
            Some(other) => (other, Some(header)),
            None => (header, other),
        };
        std::iter::once(first).chain(second)
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

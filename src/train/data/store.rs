//! Rows of poses in memory, or in a file beside the results where they are too many; drawn in random order.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::POSE;
use crate::io::FileError;
use crate::random::SplitMix64;

/// Rows that lie together on disk and are read together.
const BLOCK: usize = 1024;
const ROW_BYTES: usize = 4 * POSE;

/// Rows by number.
#[derive(Debug)]
pub(super) struct Store {
    memory: Vec<f32>,
    spill: Option<Spill>,
    /// Most rows in memory.
    limit: usize,
    scratch: PathBuf,
}

/// A file that is removed with its store.
#[derive(Debug)]
struct Spill {
    file: File,
    path: PathBuf,
    rows: usize,
}

impl Drop for Spill {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Store {
    pub fn new(limit: usize, scratch: &Path) -> Self {
        Self {
            memory: Vec::new(),
            spill: None,
            limit,
            scratch: scratch.to_path_buf(),
        }
    }

    pub fn len(&self) -> usize {
        match &self.spill {
            Some(spill) => spill.rows,
            None => self.memory.len() / POSE,
        }
    }

    /// Adds rows and says which numbers they got.
    pub fn append(&mut self, rows: &[f32]) -> Result<Range<usize>, FileError> {
        let first = self.len();
        let count = rows.len() / POSE;
        if self.spill.is_none() && first + count > self.limit {
            let mut spill = Spill::create(&self.scratch)?;
            spill.append(&self.memory)?;
            self.memory = Vec::new();
            self.spill = Some(spill);
        }
        match &mut self.spill {
            Some(spill) => spill.append(rows)?,
            None => self.memory.extend_from_slice(rows),
        }
        Ok(first..first + count)
    }

    /// At most `most` rows, evenly spaced over all of the ranges.
    pub fn evenly(&self, ranges: &[Range<usize>], most: usize) -> Result<Vec<f32>, FileError> {
        let total: usize = ranges.iter().map(Range::len).sum();
        let count = total.min(most);
        let mut found = Vec::with_capacity(count * POSE);
        let mut places = (0..count).map(|i| (i as u128 * total as u128 / count as u128) as usize);
        let (mut next, mut before) = (places.next(), 0);
        for range in ranges {
            while let Some(place) = next.filter(|place| *place < before + range.len()) {
                let row = range.start + place - before;
                self.read(row..row + 1, &mut found)?;
                next = places.next();
            }
            before += range.len();
        }
        Ok(found)
    }

    fn read(&self, rows: Range<usize>, into: &mut Vec<f32>) -> Result<(), FileError> {
        match &self.spill {
            Some(spill) => spill.read(rows, into),
            None => {
                into.extend_from_slice(&self.memory[rows.start * POSE..rows.end * POSE]);
                Ok(())
            }
        }
    }
}

impl Spill {
    fn create(folder: &Path) -> Result<Self, FileError> {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".poses.{}-{number}.tmp", std::process::id()));
        let options = || {
            std::fs::create_dir_all(folder)?;
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).open(&path)
        };
        let file = options().map_err(|e| FileError::writing(&path, &e))?;
        Ok(Self {
            file,
            path,
            rows: 0,
        })
    }

    fn append(&mut self, rows: &[f32]) -> Result<(), FileError> {
        let bytes: Vec<u8> = rows.iter().flat_map(|x| x.to_le_bytes()).collect();
        let written = self.file.write_all(&bytes);
        written.map_err(|e| FileError::writing(&self.path, &e))?;
        self.rows += rows.len() / POSE;
        Ok(())
    }

    fn read(&self, rows: Range<usize>, into: &mut Vec<f32>) -> Result<(), FileError> {
        let mut bytes = vec![0; rows.len() * ROW_BYTES];
        let mut file = &self.file;
        let read = file
            .seek(SeekFrom::Start((rows.start * ROW_BYTES) as u64))
            .and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|e| FileError::reading(&self.path, &e))?;
        let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        into.extend(bytes.chunks_exact(4).map(number));
        Ok(())
    }
}

/// The training's rows of a store.
#[derive(Debug)]
pub(crate) struct Shuffled {
    store: Store,
    rows: Vec<Range<usize>>,
}

impl Shuffled {
    pub(super) fn new(store: Store, rows: Vec<Range<usize>>) -> Self {
        Self { store, rows }
    }

    pub fn len(&self) -> usize {
        self.rows.iter().map(Range::len).sum()
    }

    /// At most `most` rows, evenly spaced.
    pub fn sample(&self, most: usize) -> Result<Vec<f32>, FileError> {
        self.store.evenly(&self.rows, most)
    }

    /// Whether rows are drawn from disk.
    pub fn on_disk(&self) -> bool {
        self.store.spill.is_some()
    }

    /// The rows in the order of an epoch, which the seed and the epoch's number decide.
    ///
    /// In memory all orders are equally likely. On disk blocks of 1024 neighbouring rows are drawn,
    /// as many as fit into memory at a time, and the rows of these blocks are mixed.
    pub fn epoch(&self, seed: u64, epoch: usize) -> Epoch<'_> {
        let mut random = SplitMix64(SplitMix64(seed).bits() ^ epoch as u64);
        random = SplitMix64(random.bits());
        let mut blocks: Vec<Range<usize>> = Vec::new();
        for range in &self.rows {
            let starts = range.clone().step_by(BLOCK);
            blocks.extend(starts.map(|s| s..(s + BLOCK).min(range.end)));
        }
        random.shuffle(&mut blocks);
        Epoch {
            data: self,
            random,
            blocks,
            pool: Vec::new(),
            order: Vec::new(),
        }
    }
}

/// One pass through the data.
pub(crate) struct Epoch<'a> {
    data: &'a Shuffled,
    random: SplitMix64,
    blocks: Vec<Range<usize>>,
    /// Rows that were read from disk.
    pool: Vec<f32>,
    /// Rows still to be drawn: of the pool, or of the store in memory.
    order: Vec<u32>,
}

impl Epoch<'_> {
    /// The next `rows` poses; false when fewer are left, which this epoch then leaves out.
    pub fn next_batch(&mut self, rows: usize, batch: &mut Vec<f32>) -> Result<bool, FileError> {
        batch.clear();
        while batch.len() < rows * POSE {
            if self.order.is_empty() && !self.refill()? {
                return Ok(false);
            }
            let Some(row) = self.order.pop() else {
                return Ok(false);
            };
            let from = match self.data.on_disk() {
                true => &self.pool,
                false => &self.data.store.memory,
            };
            batch.extend_from_slice(&from[row as usize * POSE..][..POSE]);
        }
        Ok(true)
    }

    fn refill(&mut self) -> Result<bool, FileError> {
        let store = &self.data.store;
        self.pool.clear();
        if !self.data.on_disk() {
            let rows = self.blocks.drain(..).flatten();
            self.order = rows.map(|row| row as u32).collect();
        } else {
            while let Some(block) = self.blocks.pop() {
                store.read(block, &mut self.pool)?;
                if self.pool.len() / POSE + BLOCK > store.limit {
                    break;
                }
            }
            self.order = (0..(self.pool.len() / POSE) as u32).collect();
        }
        self.random.shuffle(&mut self.order);
        Ok(!self.order.is_empty())
    }
}

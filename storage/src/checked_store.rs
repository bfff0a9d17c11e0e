//! Segment files for readers: an object store that checks every byte before it hands it out.
//!
//! ```text
//! get(range) ──widen to whole chunks──> local file ──XXH3 of each chunk = manifest's──> slice
//! ```
//!
//! Invariants
//! - Only files that the manifest names can be read; nothing can be written or deleted.
//! - A chunk whose hash differs is an error that names the file; no byte of it is returned.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::Path as FsPath;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, coalesce_ranges,
};

use crate::segment::chunk_hash;
use crate::{Segment, SegmentFile, StorageError};

/// Bytes that one read takes from disk at most; longer answers are streamed in such pieces.
const READ_BYTES_MAX: u64 = 64 * SegmentFile::CHUNK_BYTES;
/// Ranges closer than this are read together, bytes.
const COALESCE_BYTES: u64 = SegmentFile::CHUNK_BYTES;

/// Files that the manifests of all networks name, by path.
#[derive(Default)]
pub(crate) struct FileRegistry {
    files: RwLock<HashMap<String, SegmentFile>>,
}

impl FileRegistry {
    pub(crate) fn add(&self, segment: &Segment) {
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        for file in &segment.files {
            files.insert(file.path.clone(), file.clone());
        }
    }

    pub(crate) fn remove(&self, path: &str) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    fn get(&self, path: &Path) -> Result<SegmentFile> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.get(path.as_ref()).cloned().ok_or_else(|| Error::NotFound {
            path: path.to_string(),
            source: "no segment has this file".into(),
        })
    }

    fn list(&self, prefix: Option<&Path>) -> Vec<ObjectMeta> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let mut metas: Vec<ObjectMeta> = files
            .values()
            .map(meta)
            .filter(|meta| prefix.is_none_or(|prefix| meta.location.prefix_matches(prefix)))
            .collect();
        metas.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        metas
    }
}

/// Read-only view of the segment files.
#[derive(Clone)]
pub(crate) struct CheckedStore {
    inner: Arc<LocalFileSystem>,
    registry: Arc<FileRegistry>,
}

impl CheckedStore {
    pub(crate) fn new(
        segments: &FsPath,
        registry: Arc<FileRegistry>,
    ) -> std::result::Result<Self, StorageError> {
        let inner = LocalFileSystem::new_with_prefix(segments)
            .map_err(|error| StorageError::State(error.to_string()))?;
        Ok(Self { inner: Arc::new(inner), registry })
    }

    /// Reads `range`, which is not empty and within the file, and checks every chunk that it touches.
    async fn read(&self, location: &Path, file: &SegmentFile, range: Range<u64>) -> Result<Bytes> {
        let first_chunk = range.start / SegmentFile::CHUNK_BYTES;
        let start = first_chunk * SegmentFile::CHUNK_BYTES;
        let end = range.end.next_multiple_of(SegmentFile::CHUNK_BYTES).min(file.size_bytes);
        let bytes = match self.inner.get_range(location, start..end).await {
            Ok(bytes) => bytes,
            Err(Error::NotFound { .. }) => return Err(corrupt(location, "file is missing")),
            Err(error) => return Err(error),
        };
        if bytes.len() as u64 != end - start {
            let detail = format!("{} bytes at {start}, expected {}", bytes.len(), end - start);
            return Err(corrupt(location, detail));
        }
        let chunks = bytes.chunks(SegmentFile::CHUNK_BYTES as usize);
        for (index, chunk) in (first_chunk as usize..).zip(chunks) {
            if file.chunk_hashes.get(index) != Some(&chunk_hash(chunk)) {
                let offset = index as u64 * SegmentFile::CHUNK_BYTES;
                return Err(corrupt(location, format!("chunk at byte {offset} differs")));
            }
        }
        Ok(bytes.slice((range.start - start) as usize..(range.end - start) as usize))
    }

    /// The bytes of `range` in pieces that end at chunk borders.
    fn stream(
        &self,
        location: Path,
        file: SegmentFile,
        range: Range<u64>,
    ) -> BoxStream<'static, Result<Bytes>> {
        let store = self.clone();
        let start = range.start;
        stream::try_unfold(start, move |start| {
            let (store, location, file) = (store.clone(), location.clone(), file.clone());
            async move {
                if start >= range.end {
                    return Ok(None);
                }
                let border = (start / READ_BYTES_MAX + 1) * READ_BYTES_MAX;
                let end = border.min(range.end);
                let bytes = store.read(&location, &file, start..end).await?;
                Ok(Some((bytes, end)))
            }
        })
        .boxed()
    }
}

#[async_trait]
impl ObjectStore for CheckedStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let file = self.registry.get(location)?;
        let meta = meta(&file);
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => range
                .as_range(file.size_bytes)
                .map_err(|source| Error::Generic { store: STORE, source: Box::new(source) })?,
            None => 0..file.size_bytes,
        };
        let payload = if options.head {
            GetResultPayload::Stream(stream::empty().boxed())
        } else {
            GetResultPayload::Stream(self.stream(location.clone(), file, range.clone()))
        };
        Ok(GetResult { payload, meta, range, attributes: Default::default() })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        coalesce_ranges(ranges, |range| self.get_range(location, range), COALESCE_BYTES).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter(self.registry.list(prefix).into_iter().map(Ok)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let depth = prefix.map_or(0, |prefix| prefix.parts().count());
        let (mut objects, mut common_prefixes) = (Vec::new(), Vec::new());
        for meta in self.registry.list(prefix) {
            let parts: Vec<_> = meta.location.parts().collect();
            if parts.len() == depth + 1 {
                objects.push(meta);
            } else {
                common_prefixes.push(Path::from_iter(parts.into_iter().take(depth + 1)));
            }
        }
        common_prefixes.dedup();
        Ok(ListResult { common_prefixes, objects })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("put_multipart"))
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        locations.map(|_| Err(read_only("delete"))).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("copy"))
    }
}

impl fmt::Debug for CheckedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedStore")
    }
}

impl fmt::Display for CheckedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("segments")
    }
}

const STORE: &str = "segments";

/// Segment files never change, so the content hash is the tag and no time is needed.
fn meta(file: &SegmentFile) -> ObjectMeta {
    ObjectMeta {
        location: Path::from(file.path.as_str()),
        last_modified: Default::default(),
        size: file.size_bytes,
        e_tag: Some(blake3::Hash::from_bytes(file.content_hash).to_hex().to_string()),
        version: None,
    }
}

fn corrupt(location: &Path, detail: impl Into<String>) -> Error {
    let error =
        StorageError::Corrupt { what: format!("segment file {location}"), detail: detail.into() };
    Error::Generic { store: STORE, source: Box::new(error) }
}

fn read_only(operation: &str) -> Error {
    Error::NotSupported { source: format!("{operation}: segment files are read-only").into() }
}

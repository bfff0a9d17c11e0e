//! The data directory on disk: its lock, its folders, and files that appear whole or not at all.
//!
//! ```text
//! <data>/lock                       held while a process has the directory open
//! <data>/state/                     RocksDB
//! <data>/segments/<network>/*.parquet
//! <data>/tmp/                       files being written; emptied at open
//! ```

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::StorageError;

/// An open data directory; dropping it releases the lock.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    _lock: File,
    temp_count: AtomicU64,
}

impl DataDir {
    /// Creates what is missing and takes the lock.
    ///
    /// # Errors
    /// `Io` also for a folder that holds other things: files are deleted here.
    pub(crate) fn open(root: &Path) -> Result<Self, StorageError> {
        create_dir(root)?;
        let lock_path = root.join("lock");
        if !lock_path.exists() && !list(root)?.is_empty() {
            let reason = "it is not empty and is no ergosql data directory";
            let source = std::io::Error::new(std::io::ErrorKind::DirectoryNotEmpty, reason);
            return Err(io("open", root, source));
        }
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|source| io("open", &lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError::InUse { path: root.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock", &lock_path, source)),
        }
        let dir = Self { root: root.to_owned(), _lock: lock, temp_count: AtomicU64::new(0) };
        create_dir(&dir.segments())?;
        create_dir(&dir.temp())?;
        sync_dir(root)?;
        Ok(dir)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    fn temp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// A path in the temporary folder that nothing else uses.
    pub(crate) fn temp_path(&self) -> PathBuf {
        self.temp().join(format!("{}.part", self.temp_count.fetch_add(1, Ordering::Relaxed)))
    }

    /// The place of a segment file that the manifest calls `path`.
    pub(crate) fn segment_path(&self, path: &str) -> PathBuf {
        self.segments().join(path)
    }

    /// Creates the folder of a network's segments.
    pub(crate) fn create_network(&self, network: &str) -> Result<(), StorageError> {
        create_dir(&self.segments().join(network))?;
        sync_dir(&self.segments())
    }

    /// Gives synced temporary files their names, then syncs the folder that holds them.
    pub(crate) fn publish(
        &self,
        network: &str,
        files: &[(PathBuf, String)],
    ) -> Result<(), StorageError> {
        for (temp, path) in files {
            fs::rename(temp, self.segment_path(path)).map_err(|e| io("rename", temp, e))?;
        }
        sync_dir(&self.segments().join(network))
    }

    /// Removes half-written files, and segment files that `named` does not hold.
    pub(crate) fn remove_unreferenced(&self, named: &HashSet<String>) -> Result<(), StorageError> {
        for path in list(&self.temp())?.into_iter().filter(|path| has_extension(path, "part")) {
            fs::remove_file(&path).map_err(|e| io("remove", &path, e))?;
        }
        let root = self.segments();
        for folder in list(&root)?.into_iter().filter(|path| path.is_dir()) {
            for path in list(&folder)?.into_iter().filter(|path| has_extension(path, "parquet")) {
                let name = path.strip_prefix(&root).ok().and_then(Path::to_str);
                if !name.is_some_and(|name| named.contains(name)) {
                    tracing::info!(path = %path.display(), "removing unreferenced segment file");
                    fs::remove_file(&path).map_err(|e| io("remove", &path, e))?;
                }
            }
        }
        Ok(())
    }
}

/// An [`StorageError::Io`] that names the file.
pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> StorageError {
    StorageError::Io { action, path: path.to_owned(), source }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn create_dir(path: &Path) -> Result<(), StorageError> {
    fs::create_dir_all(path).map_err(|e| io("create", path, e))
}

fn sync_dir(path: &Path) -> Result<(), StorageError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|e| io("sync", path, e))
}

fn list(path: &Path) -> Result<Vec<PathBuf>, StorageError> {
    fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(|e| io("list", path, e))
}

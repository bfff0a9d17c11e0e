//! Every row of a file with several row groups and pages is found by its key, checked, and cached.

use std::os::unix::fs::FileExt;

use arrow::array::RecordBatch;
use schemas::BlockRange;
use tempfile::TempDir;

use super::*;
use crate::segment::SegmentWriter;
use crate::testing::{TABLES, blocks, transaction};

const BLOCKS: u64 = 400;
const LOGS: u64 = 100;

struct Fixture {
    reader: PointReader,
    file: SegmentFile,
    rows: RecordBatch,
    directory: TempDir,
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let dir = Arc::new(DataDir::open(directory.path()).unwrap());
    dir.create_network("net").unwrap();
    let (records, batches) = blocks(10, BLOCKS, LOGS);
    let mut writer = SegmentWriter::new(Arc::clone(&dir), "net".to_owned(), &TABLES, 10);
    writer.append(records, &batches).unwrap();
    let segment = writer.finish().unwrap().segment;
    assert_eq!(segment.range, BlockRange::new(10, 10 + BLOCKS - 1).unwrap());
    let reader = PointReader::new(dir);
    Fixture { reader, file: segment.files[1].clone(), rows: batches[1].clone(), directory }
}

fn wanted<'a>(block: u64, key: Option<&'a [u8; 32]>, columns: &'a [usize]) -> RowsWanted<'a> {
    let key = key.map(|hash| (1, hash));
    RowsWanted { table: TABLES[1], block, key, columns, rows_max: LOGS as usize }
}

fn rows(fixture: &Fixture, wanted: &RowsWanted<'_>, reach: Reach) -> Option<Vec<ArrayRef>> {
    match fixture.reader.rows(&fixture.file, wanted, reach).unwrap() {
        Found::Rows(_, columns) => Some(columns),
        Found::NotInMemory => None,
        Found::TooMany => panic!("too many rows"),
    }
}

#[test]
fn every_key_gives_its_own_row_and_every_block_its_own_rows() {
    let fixture = fixture();
    for (at, block) in (10..10 + BLOCKS).enumerate() {
        let start = at * LOGS as usize;
        let all = rows(&fixture, &wanted(block, None, &[2, 0, 1]), Reach::Disk).unwrap();
        for (array, column) in all.iter().zip([2, 0, 1]) {
            assert_eq!(**array, *fixture.rows.column(column).slice(start, LOGS as usize));
        }
        for index in [0, 57, LOGS - 1] {
            let hash = transaction(block, index);
            let one = rows(&fixture, &wanted(block, Some(&hash), &[0, 2]), Reach::Disk).unwrap();
            for (array, column) in one.iter().zip([0, 2]) {
                let row = start + index as usize;
                assert_eq!(**array, *fixture.rows.column(column).slice(row, 1));
            }
        }
    }
}

#[test]
fn a_key_of_another_block_and_a_block_outside_give_no_rows() {
    let fixture = fixture();
    let hash = transaction(11, 0);
    for (block, key) in [(10, Some(&hash)), (9, None), (10 + BLOCKS, None), (u64::MAX, None)] {
        let found = rows(&fixture, &wanted(block, key, &[0]), Reach::Disk).unwrap();
        assert!(found.is_empty(), "{block}");
    }
}

#[test]
fn more_rows_than_wanted_are_not_given() {
    let fixture = fixture();
    let wanted = RowsWanted { rows_max: LOGS as usize - 1, ..wanted(20, None, &[0]) };
    let found = fixture.reader.rows(&fixture.file, &wanted, Reach::Disk).unwrap();
    assert!(matches!(found, Found::TooMany));
}

#[test]
fn what_was_read_is_in_memory_and_nothing_else() {
    let fixture = fixture();
    let hash = transaction(20, 3);
    let one = wanted(20, Some(&hash), &[0, 2]);
    assert!(rows(&fixture, &one, Reach::Memory).is_none());
    let read = rows(&fixture, &one, Reach::Disk).unwrap();
    assert_eq!(rows(&fixture, &one, Reach::Memory).unwrap(), read);
    assert!(rows(&fixture, &wanted(300, None, &[0]), Reach::Memory).is_none());
}

#[test]
fn rows_over_several_slices_are_the_same_whatever_of_them_is_in_memory() {
    let fixture = fixture();
    // A block of 100 rows lies in one or two slices of 128.
    for (block, before) in [(11, 12), (12, 11), (14, 13), (40, 41)] {
        let hash = transaction(before, 99);
        rows(&fixture, &wanted(before, Some(&hash), &[0]), Reach::Disk).unwrap();
        let found = rows(&fixture, &wanted(block, None, &[0, 2, 0]), Reach::Disk).unwrap();
        for (array, column) in found.iter().zip([0, 2, 0]) {
            let start = (block - 10) as usize * LOGS as usize;
            assert_eq!(**array, *fixture.rows.column(column).slice(start, LOGS as usize));
        }
    }
}

#[test]
fn a_damaged_file_is_an_error_that_names_it_and_gives_no_row() {
    let fixture = fixture();
    let path = fixture.directory.path().join("segments").join(&fixture.file.path);
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let hash = transaction(20, 3);
    rows(&fixture, &wanted(20, Some(&hash), &[0]), Reach::Disk).unwrap();
    file.write_all_at(&vec![0xff; fixture.file.size_bytes as usize], 0).unwrap();
    let error = fixture.reader.rows(&fixture.file, &wanted(20, Some(&hash), &[2]), Reach::Disk);
    let error = error.unwrap_err().to_string();
    assert!(error.contains(&fixture.file.path) && error.contains("differs"), "{error}");
}

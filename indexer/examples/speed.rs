fn main() {
    let a: Vec<String> = std::env::args().collect();
    let dir = std::path::PathBuf::from(&a[1]);
    let threads: usize = a[2].parse().unwrap();
    let files: Vec<std::path::PathBuf> = a[3..].iter().map(Into::into).collect();
    let _ = std::fs::remove_dir_all(&dir);
    let store = storage::Store::open(&dir).unwrap();
    indexer::ensure_network(&store, "net", "evm", None).unwrap();
    let o = indexer::ImportOptions { threads, ..Default::default() };
    let t = std::time::Instant::now();
    let mut last = Default::default();
    let cell = std::cell::RefCell::new(&mut last);
    let r = indexer::import(&store, "net", &files, &o, &|p| **cell.borrow_mut() = *p).unwrap();
    let s = t.elapsed().as_secs_f64();
    let p: indexer::Progress = last;
    println!("{s:.3} s {:.0} blocks/s {:.0} tx/s {:.0} logs/s {:.1} MB/s (file bytes) refused {} {:?}", r.blocks_stored as f64/s, r.transactions as f64/s, r.logs as f64/s, p.bytes_total as f64/1e6/s, r.refused_count, r.refused.first());
    let rss = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", rss.lines().find(|l| l.starts_with("VmHWM")).unwrap());
    let snap = store.snapshot("net").unwrap();
    let mut t: std::collections::BTreeMap<&str,(u64,u64)> = Default::default();
    for f in snap.segments().iter().flat_map(|s| &s.files) { let e = t.entry(f.table.as_str()).or_default(); e.0 += f.size_bytes; e.1 += f.row_count; }
    println!("segments {} {t:?}", snap.segments().len());
}

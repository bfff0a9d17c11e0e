#!/usr/bin/env bash
# RUSTC_WRAPPER of fuzz/run.sh: our own crates and the SQL parser are compiled with LLVM's coverage pass,
# optimised, and with every check on; all others as in a plain development build, which keeps the build of
# DataFusion as short as it can be. usage: coverage-rustc.sh RUSTC ARGUMENT…
set -euo pipefail
shopt -s extglob
case " $* " in
*" --crate-name build_script"*) ;;
*" --crate-name "@(schemas|storage|node_lite|query_engine|pg_gateway|sqlparser|block_file|era1_block|rlp_block|ndjson_line|genesis|frames|startup|parameter|sign_in|copy_data|literal|sql)" "*)
    set -- "$@" --cfg fuzzing -Copt-level=1 -Cdebug-assertions=on -Coverflow-checks=on \
        -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$@"

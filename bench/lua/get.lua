-- The same object again and again.
dofile(os.getenv("BENCH_COMMON"))

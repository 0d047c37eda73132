-- Shared by all works: the bearer token, the count of answers outside 2xx, the summary as one line of JSON.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

bad = 0

function response(status)
  if status < 200 or status > 299 then
    bad = bad + 1
  end
end

function done(summary, latency)
  local failures = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do
    failures = failures + thread:get("bad")
  end
  print(string.format('\n{"answers":%d,"failures":%d,"seconds":%.6f,"median":%.3f,"p99":%.3f}',
    summary.requests, failures, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end

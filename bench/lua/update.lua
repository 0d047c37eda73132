-- One of many objects with every request, each time with another value.
dofile(os.getenv("BENCH_COMMON"))

local prefix = os.getenv("BENCH_PREFIX")
local count = tonumber(os.getenv("BENCH_COUNT"))
local path = os.getenv("BENCH_PATH")
local made = 0

wrk.method = "PUT"
wrk.headers["Content-Type"] = "application/json"

function request()
  made = made + 1
  local name = prefix .. made % count
  return wrk.format(nil, path .. "/" .. name, nil, '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"' .. name
    .. '"},"type":"Opaque","stringData":{"username":"admin","password":"ikubernetes-' .. made .. '"}}')
end

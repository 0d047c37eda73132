-- A new Secret with every request.
dofile(os.getenv("BENCH_COMMON"))

local prefix = os.getenv("BENCH_PREFIX")
local made = 0

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

function request()
  made = made + 1
  return wrk.format(nil, nil, nil, '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"' .. prefix .. made
    .. '"},"type":"Opaque","data":{"username":"YWRtaW4=","password":"aWt1YmVybmV0ZXMtaWt1YmVybmV0ZXM="}}')
end

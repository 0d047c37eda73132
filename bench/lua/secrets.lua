-- Secrets as clients write them beside the plain ones of create.lua and update.lua. BENCH_FORM says how:
-- labelled (POST), kubectl (POST: the protobuf body of `kubectl create secret`), values (PUT: labelled ones get
-- another value), whole (PUT: the same, with each one as it was answered last; the first ones in BENCH_OBJECTS).
dofile(os.getenv("BENCH_COMMON"))

local form = os.getenv("BENCH_FORM")
local prefix = os.getenv("BENCH_PREFIX")
local path = os.getenv("BENCH_PATH")
local count = tonumber(os.getenv("BENCH_COUNT"))
local objects = os.getenv("BENCH_OBJECTS")
local made = 0
local last = {}

wrk.method = (form == "labelled" or form == "kubectl") and "POST" or "PUT"
wrk.headers["Content-Type"] = "application/json"
if form == "kubectl" then
  wrk.headers["Content-Type"] = "application/vnd.kubernetes.protobuf"
  wrk.headers["Accept"] = "application/vnd.kubernetes.protobuf,application/json"
  path = path .. "?fieldManager=kubectl-create&fieldValidation=Strict"
end

if form == "whole" then
  for line in io.lines(objects) do
    last[line:match('"name":"([^"]*)"')] = line
  end
  local counted = response
  function response(status, headers, body)
    counted(status)
    if status == 200 then
      last[body:match('"name":"([^"]*)"')] = body
    end
  end
end

-- A field of a protobuf message that holds a text or a message of less than 16 KiB.
local function field(number, text)
  local length = #text
  local size = length < 128 and string.char(length) or string.char(length % 128 + 128, math.floor(length / 128))
  return string.char(number * 8 + 2) .. size .. text
end

local function of_kubectl(name)
  local metadata = field(1, name) .. field(2, "") .. field(3, "") .. field(4, "") .. field(5, "") .. field(6, "")
    .. string.char(56, 0) .. field(8, "")
  local data = field(2, field(1, "password") .. field(2, "ikubernetes-ikubernetes"))
    .. field(2, field(1, "username") .. field(2, "admin"))
  local secret = field(1, metadata) .. data .. field(3, "")
  return "k8s\0" .. field(1, field(1, "v1") .. field(2, "Secret")) .. field(2, secret) .. field(3, "") .. field(4, "")
end

local function labelled(name, value)
  return '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"' .. name
    .. '","labels":{"app.kubernetes.io/name":"web","app.kubernetes.io/managed-by":"Helm"}'
    .. ',"annotations":{"example.com/note":"of the bench"}},"type":"Opaque"'
    .. ',"stringData":{"username":"admin","password":"ikubernetes-' .. value .. '"}}'
end

function request()
  made = made + 1
  if form == "kubectl" then
    return wrk.format(nil, path, nil, of_kubectl(prefix .. made))
  elseif form == "labelled" then
    return wrk.format(nil, path, nil, labelled(prefix .. made, made))
  end
  local name = prefix .. made % count
  if form == "whole" then
    -- Twelve digits are base64 of something, too.
    local body = last[name]:gsub('"password":"[^"]*"', string.format('"password":"%012d"', made))
    return wrk.format(nil, path .. "/" .. name, nil, body)
  end
  return wrk.format(nil, path .. "/" .. name, nil, labelled(name, made))
end

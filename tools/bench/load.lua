-- The load of one wrk run. `wrk ... -- KIND KEYS VALUE_BYTES`, KIND one of:
--   read    GET  secret/data/bench/<random key>
--   write   POST secret/data/bench/<random key> with a value of VALUE_BYTES
--   fixed   GET  of the fixed body, with the same headers and the same random choice as `read`
-- BENCH_NODES, host:port separated by spaces, spreads the threads over several nodes.
-- The token comes from BENCH_TOKEN, so that it stands in no process list. Requests are rendered
-- before the run: the generator shares the machine with the server and must stay cheap.

local threads_made = 0

function setup(thread)
  threads_made = threads_made + 1
  local nodes = {}
  for host, port in (os.getenv("BENCH_NODES") or ""):gmatch("([^%s:]+):(%d+)") do
    nodes[#nodes + 1] = wrk.lookup(host, port)[1]
  end
  if #nodes > 0 then thread.addr = nodes[(threads_made - 1) % #nodes + 1] end
  thread:set("thread_number", threads_made)
end

local requests
local pick = math.random

local function value_of(bytes)
  local letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
  local out = {}
  for i = 1, bytes do
    local at = pick(#letters)
    out[i] = letters:sub(at, at)
  end
  return table.concat(out)
end

function init(args)
  local kind, keys, bytes = args[1], tonumber(args[2]), tonumber(args[3])
  math.randomseed(os.time() * 1000 + thread_number)
  local headers = { ["X-Vault-Token"] = os.getenv("BENCH_TOKEN") }
  requests = {}
  for key = 1, keys do
    local path = string.format("/v1/secret/data/bench/key-%05d", key - 1)
    if kind == "write" then
      local body = '{"data":{"value":"' .. value_of(bytes) .. '"}}'
      requests[key] = wrk.format("POST", path, headers, body)
    else
      requests[key] = wrk.format("GET", path, headers)
    end
  end
end

function request()
  return requests[pick(#requests)]
end

-- One line for tools/bench/measure.py; latencies in microseconds.
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    "RESULT requests=%d duration_us=%d bytes=%d status=%d connect=%d read=%d write=%d timeout=%d"
      .. " p50_us=%d p99_us=%d max_us=%d\n",
    summary.requests, summary.duration, summary.bytes, e.status, e.connect, e.read, e.write,
    e.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end

-- One new secret a request: `wrk ... -- FIRST LAST THREADS CONNECTIONS`, names s-<number>; a thread
-- takes every THREADS-th and stops when its last one is answered. The token comes from FILL_TOKEN,
-- so that it stands in no process list.

local threads_made = 0

function setup(thread)
  thread:set("number", threads_made)
  threads_made = threads_made + 1
end

local headers, next_one, step, last, answers_left

function init(args)
  headers = { ["X-Vault-Token"] = os.getenv("FILL_TOKEN") }
  step = tonumber(args[3])
  next_one = tonumber(args[1]) + number
  last = tonumber(args[2])
  -- Each connection asks for something harmless once there is nothing more to write.
  answers_left = math.ceil((last - next_one) / step) + math.ceil(tonumber(args[4]) / step)
end

function request()
  local mine = next_one
  if mine >= last then return wrk.format("GET", "/v1/sys/health", headers) end
  next_one = mine + step
  return wrk.format("POST", string.format("/v1/secret/data/fill/%03d/s-%07d", mine % 512, mine),
                    headers, string.format('{"data":{"value":"secret number %d"}}', mine))
end

function response()
  answers_left = answers_left - 1
  if answers_left == 0 then
    io.write("DONE\n")
    io.flush()
    wrk.thread:stop()
  end
end

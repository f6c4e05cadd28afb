-- wrk script: GETs that go round N host names, w0.bench.test to w<N-1>.bench.test. Ends like
-- load.lua.
local folder = debug.getinfo(1, "S").source:match("@(.*/)")
dofile(folder .. "load.lua")

local requests = {}
local next_index = 0

function init(args)
  local count = tonumber(args[1])
  for i = 0, count - 1 do
    -- 7919 is prime to any count here: neighbours in time are not neighbours in a table of routes.
    local host = "w" .. (i * 7919 % count) .. ".bench.test"
    requests[i] = wrk.format("GET", "/", {["Host"] = host})
  end
end

function request()
  next_index = (next_index + 1) % (#requests + 1)
  return requests[next_index]
end

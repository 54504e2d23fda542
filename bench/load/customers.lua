-- POST of one body for customers drawn at random, the same sequence in each run: `{}` in the
-- path stands for the customer's number. All requests are made before the clock starts.
local requests = {}

function init(args)
  local path, count, body = args[1], tonumber(args[2]), args[3]
  wrk.headers["Content-Type"] = "application/json"
  for number = 1, count do
    requests[number] = wrk.format("POST", (path:gsub("{}", tostring(number))), nil, body)
  end
  math.randomseed(1)
end

function request()
  return requests[math.random(#requests)]
end

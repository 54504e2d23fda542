-- Each caller reserves, and settles what came of it. wrk does not say whose turn it is to ask,
-- so a caller may settle what another one reserved: as many are under way, in the same order.
local reserve, before, after
local ids, first, last = {}, 1, 0

function init(args)
  wrk.headers["Content-Type"] = "application/json"
  reserve = wrk.format("POST", "/v1/usage-transactions", nil, args[1])
  local settle = wrk.format("POST", "/v1/usage-transactions/{}/complete", nil, args[2])
  local from, to = settle:find("{}", 1, true)
  before, after = settle:sub(1, from - 1), settle:sub(to + 1)
end

function request()
  if first > last then
    return reserve
  end
  local id = ids[first]
  ids[first] = nil
  first = first + 1
  return before .. id .. after
end

function response(_, _, body)
  if body:find('"continue":true', 1, true) then
    last = last + 1
    ids[last] = body:match('"transaction_id":"([^"]+)"')
  end
end

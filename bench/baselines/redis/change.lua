-- One change of one account, whole or not at all: scripts run one at a time.
-- KEYS: the balance, the journal. ARGV: the amount in millionths, the entry.
-- Gives { done, balance, entries }. Doubles are exact here, amounts being below 2^53.
local balance = tonumber(redis.call('GET', KEYS[1]) or 0)
if balance + ARGV[1] < 0 then
  return { 0, balance, 0 }
end
return { 1, redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('RPUSH', KEYS[2], ARGV[2]) }

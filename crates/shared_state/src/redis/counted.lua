-- How many moments of a cap are still within its time. ARGV: as in caps.lua now, then within (microseconds).
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local young = 0
for _, at in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if at + tonumber(ARGV[2]) > now then
    young = young + 1
  end
end
return young
